"""Vector mathematics: accuracy, special values, agreement of lanes."""
