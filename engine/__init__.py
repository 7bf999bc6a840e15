"""Check, plan, apply, check again; and remember how to take it back."""
