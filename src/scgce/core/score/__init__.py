"""How good an explanation is: metrics, judges, evidence."""
