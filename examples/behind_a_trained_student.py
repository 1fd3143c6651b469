"""
The teacher behind a trained student
====================================

A student network with 60 hidden units is trained on samples of a teacher with 4. It learns to
answer nearly like the teacher, but none of its units is one of the teacher's. From the student's
answers alone, we fit the best network with 4 units. It is closer to the teacher than the student
is.
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
lessons = rng.standard_normal((2500, 8))
student = MLPRegressor(
    hidden_layer_sizes=(60,), alpha=0.0, learning_rate_init=0.003, max_iter=150, random_state=0
)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)  # accurate enough for this example
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
# We query the student, and fit networks with three, four and five units to its answers. The
# student's errors are treated as noise. They are not noise, because they depend on the input, and
# ``recover`` notices: the status is ``failed``, because the student is not a network with so few
# units. The best network with that many units is returned all the same.

questions = rng.standard_normal((1500, 8))
answers = student.predict(questions)
found = {}
for units in (3, 4, 5):
    found[units] = unrelu.recover(
        questions, answers, n_units=units, noise="gaussian", rng=0, throw=False
    )

print("units  status  error to student  error to teacher")
to_student, to_teacher = [], []
for units, result in found.items():
    outputs = result.network(fresh)
    to_student.append(100 * error(outputs, student.predict(fresh)))
    to_teacher.append(100 * error(outputs, teacher(fresh)))
    print(f"{units:5d}  {result.status.value}  {to_student[-1]:14.1f} %  {to_teacher[-1]:14.1f} %")

# %%
# From three to four units, the error falls to less than a tenth; a fifth unit gains little. So this
# student was taught by four units. The network with four units is several times closer to the
# teacher than the student is, and its units are those of the teacher:

match = unrelu.match(found[4].network, teacher)
print("angle between hidden weights, in radians:", match.hidden.round(3))

# %%
# Without a number of units, ``recover`` would look for all units of the student, because the
# student gives the answers. This takes minutes, and explains the student, not the teacher.

figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
axes.semilogy(list(found), to_student, "o-", label="error to student")
axes.semilogy(list(found), to_teacher, "s-", label="error to teacher")
student_error = 100 * error(student.predict(fresh), teacher(fresh))
axes.axhline(
    student_error, color="0.6", linestyle="--", label="error of the student to the teacher"
)
axes.set(xlabel="units", ylabel="error (%)", xticks=list(found))
axes.spines[["top", "right"]].set_visible(False)
axes.legend()
plt.show()
