"""What users import: derivatives of functions of any pytrees."""
