"""Networks that learned the tasks with known answers, and what attribution says of them."""
