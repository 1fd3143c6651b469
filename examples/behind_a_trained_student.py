"""
The teacher behind a trained student
====================================

A student of 60 hidden units is trained on samples of a teacher of 4. It learns to answer nearly
like the teacher, but none of its units is one of the teacher's. From the student's answers alone,
the best network of 4 units is found: it is nearer to the teacher than the student itself.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

import unrelu

# %%
# Teacher and student
# -------------------

rng = np.random.default_rng(0)
teacher = unrelu.Network(
    V=rng.standard_normal((4, 8)),
    U=rng.standard_normal((3, 4)),
    b=0.5 * rng.standard_normal(4),
)
lessons = rng.standard_normal((4000, 8))
student = MLPRegressor(
    hidden_layer_sizes=(60,), alpha=0.0, learning_rate_init=0.003, max_iter=150, random_state=0
)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)  # it is good enough
    student.fit(lessons, teacher(lessons))


def error(answers: np.ndarray, true: np.ndarray) -> float:
    """Root mean square difference as a share of the spread."""
    return float(np.sqrt(np.mean((answers - true) ** 2) / true.var()))


fresh = rng.standard_normal((4000, 8))
print(f"error of the student: {100 * error(student.predict(fresh), teacher(fresh)):.1f} %")

# %%
# How many units?
# ---------------
#
# The student is asked, and networks of one to five units are fitted to what it says. The student's
# mistakes are treated as noise. They are not noise, since they depend on the input, and ``recover``
# notices: the status is ``failed``, for the student is no network of so few units, and that is so.
# The best network of so many units is there all the same.

questions = rng.standard_normal((4000, 8))
answers = student.predict(questions)
found = {}
for units in range(1, 6):
    found[units] = unrelu.recover(
        questions, answers, n_units=units, noise="gaussian", rng=0, throw=False
    )

print("units  status  off the student  off the teacher")
to_student, to_teacher = [], []
for units, result in found.items():
    said = result.network(fresh)
    to_student.append(100 * error(said, student.predict(fresh)))
    to_teacher.append(100 * error(said, teacher(fresh)))
    print(f"{units:5d}  {result.status.value}  {to_student[-1]:13.1f} %  {to_teacher[-1]:13.1f} %")

# %%
# From three to four units the error falls to less than a tenth, and with a fifth little is gained:
# four are behind this student. The network of four units is several times nearer to the teacher
# than the student is. Its units are the teacher's:

match = unrelu.match(found[4].network, teacher)
print("angle between hidden weights, in radians:", match.hidden.round(3))

# %%
# Asked without a number of units, ``recover`` would look for all that the student has, since it is
# the student that answers. It takes minutes, and explains the student, not the teacher.

figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
axes.semilogy(list(found), to_student, "o-", label="off the student")
axes.semilogy(list(found), to_teacher, "s-", label="off the teacher")
student_error = 100 * error(student.predict(fresh), teacher(fresh))
axes.axhline(student_error, color="0.6", linestyle="--", label="student off the teacher")
axes.set(xlabel="units", ylabel="error (%)", xticks=list(found))
axes.spines[["top", "right"]].set_visible(False)
axes.legend()
plt.show()
