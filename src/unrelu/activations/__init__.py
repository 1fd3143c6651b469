"""Rectified activations: f(z) = 0 for z <= 0 and f(z) = phi(z) > 0 for z > 0, phi increasing.

relu         ReLU()                      phi(z) = z
power(c)     Power(c), c > 0             z^c
expm1        Expm1()                     e^z − 1
exp-square   ExpSquare()                 e^(z²) − 1
             Rectified(phi, inverse)     your own
"""

from unrelu.activations.base import (
    NAMED as NAMED,
)
from unrelu.activations.base import (
    NAMES as NAMES,
)
from unrelu.activations.base import (
    REACH as REACH,
)
from unrelu.activations.base import (
    RELU as RELU,
)
from unrelu.activations.base import (
    Activation as Activation,
)
from unrelu.activations.base import (
    Expm1 as Expm1,
)
from unrelu.activations.base import (
    ExpSquare as ExpSquare,
)
from unrelu.activations.base import (
    Power as Power,
)
from unrelu.activations.base import (
    Rectified as Rectified,
)
from unrelu.activations.base import (
    ReLU as ReLU,
)
from unrelu.activations.base import (
    chord as chord,
)
from unrelu.activations.base import (
    has_kink as has_kink,
)
from unrelu.activations.base import (
    hermite as hermite,
)
from unrelu.activations.base import (
    hidden_rounding as hidden_rounding,
)
from unrelu.activations.base import (
    resolve as resolve,
)
from unrelu.activations.base import (
    steep as steep,
)
from unrelu.activations.curve import Curve as Curve
