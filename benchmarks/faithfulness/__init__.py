"""How faithful explanations are: beside what was published, beside every baseline, beside a planted truth."""
