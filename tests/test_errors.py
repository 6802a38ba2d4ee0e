import inspect

from vaekit import errors
from vaekit.errors import suggest

PARENTS = {
    "VaekitError": (Exception,),
    "RequestError": (errors.VaekitError, ValueError),
    "ConfigError": (errors.RequestError,),
    "DataError": (errors.RequestError,),
    "RunError": (errors.RequestError,),
    "OutputError": (errors.RequestError,),
    "DeviceError": (errors.RequestError,),
    "WorkError": (errors.VaekitError, RuntimeError),
    "NonFiniteError": (errors.WorkError,),
    "Interrupted": (errors.WorkError,),
}


def test_the_tree_is_the_one_that_is_drawn():
    kinds = [
        kind
        for kind in vars(errors).values()
        if inspect.isclass(kind) and kind.__module__ == errors.__name__
    ]
    found = {kind.__name__: kind.__bases__ for kind in kinds}
    assert found == PARENTS
    drawn: dict[str, str] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        name = line.lstrip(" │├└─").split(" ")[0]
        if name in PARENTS:
            depth = (len(line) - len(line.lstrip(" │├└─")) - 4) // 4
            path = [*path[:depth], name]
            drawn[name] = path[-2] if depth else "Exception"
    assert drawn == {name: bases[0].__name__ for name, bases in PARENTS.items()}


def test_an_unknown_name_gets_the_nearest_and_all():
    assert suggest("cnv", ["mlp", "conv"]) == "did you mean 'conv'? Allowed: conv, mlp"
    assert suggest("zzz", {"mlp": 1, "conv": 2}) == "Allowed: conv, mlp"
    assert suggest("", ["a"]) == "Allowed: a"
    assert suggest("b", iter(["c", "b"])) == "did you mean 'b'? Allowed: b, c"
