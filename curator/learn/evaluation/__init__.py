"""How good a model is and how suspicious a label: pure functions of arrays."""
