"""What other limits, amounts, quotas or programmes would do, on the same inputs. Its results are never a list."""
