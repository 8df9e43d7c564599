"""The report of a check as a live widget: heat maps linked to the structure, a slider that turns the input, a map."""
