// Runtime: to come.
