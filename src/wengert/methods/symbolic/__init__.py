"""The symbolic method: functions as formulas of SymPy, their derivatives with and without sharing, and what these cost.

SymPy is an optional dependency, loaded when it is first needed.
"""

from wengert.methods.symbolic.check import CheckedPoint, FormulaCheck, check_formula
from wengert.methods.symbolic.conversion import Formula, to_sympy
from wengert.methods.symbolic.counting import operations
from wengert.methods.symbolic.differentiation import SharedFormula, derivative, naive_derivative, share
from wengert.methods.symbolic.evaluation import from_sympy
from wengert.methods.symbolic.families import logistic_map, nested_product, power_product
from wengert.methods.symbolic.swell import ExpressionSwell, SwellRow, expression_swell

__all__ = [
    "CheckedPoint",
    "ExpressionSwell",
    "Formula",
    "FormulaCheck",
    "SharedFormula",
    "SwellRow",
    "check_formula",
    "derivative",
    "expression_swell",
    "from_sympy",
    "logistic_map",
    "naive_derivative",
    "nested_product",
    "operations",
    "power_product",
    "share",
    "to_sympy",
]
