"""The words of Ringwall: values, verdicts, decisions, records and ports. Standard library only."""
