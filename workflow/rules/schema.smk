# What does not fit a schema, in words instead of a dump of the schema.
from snakemake.exceptions import WorkflowError


def in_words(problem, where):
    """One line: the setting, its value, what is expected, and what it is for."""
    cause = problem.__context__
    if not hasattr(cause, "absolute_path"):
        return problem
    place = "".join(f"{step}: " for step in cause.absolute_path)
    meant = cause.schema.get("description", "") if place else ""
    row = f" (row: {cause.instance})" if cause.validator == "required" and "sample" in cause.instance else ""
    return WorkflowError(f"{where}: {place}{_said(cause)}{row}" + (f" — {meant}" if meant else ""))


def _said(cause):
    value, wanted = cause.instance, cause.validator_value
    if cause.validator == "enum":
        return f"{value!r} is none of {', '.join(repr(choice) for choice in wanted)}"
    if cause.validator == "type":
        return f"{value!r} is no {' or '.join([wanted] if isinstance(wanted, str) else wanted)}"
    if cause.validator == "pattern":
        return f"{value!r} does not have the form {wanted}"
    if cause.validator == "oneOf":
        return f"{value!r} is none of what is possible: {'; '.join(_choice(choice) for choice in wanted)}"
    if cause.validator == "required":
        return f"{cause.message.split()[0]} is missing"
    if cause.validator == "additionalProperties":
        unknown = next(name for name in value if name not in cause.schema["properties"])
        return f"there is no setting {unknown!r}; there are {', '.join(cause.schema['properties'])}"
    return cause.message


def _choice(schema):
    if "const" in schema:
        return str(schema["const"])
    if "description" in schema:
        return schema["description"]
    bounds = [f"{words} {schema[name]}" for name, words in _BOUNDS.items() if name in schema]
    return " ".join([f"an {schema['type']}" if schema["type"] == "integer" else f"a {schema['type']}", *bounds])


_BOUNDS = {"minimum": "of at least", "exclusiveMinimum": "above"}
