"""Many small cases of one question as one test: a test of its own costs each process some milliseconds."""

from functools import wraps
from inspect import Signature, signature


def each_of(names, cases, told=repr):
    """A decorator like ``pytest.mark.parametrize`` that makes one test of all cases, or of each in a class.

    The first case that fails ends it, and is named below the traceback. For tests that leave nothing behind:
    fixtures are set up once.
    """
    names, cases = names.replace(",", " ").split(), [*cases]

    def of_all(test):
        @wraps(test)
        def tested(*self, **fixtures):
            assert cases
            for case in cases:
                try:
                    test(*self, **fixtures, **dict(zip(names, case, strict=True)))
                except BaseException as error:
                    error.add_note(f"The case: {told(case)}")
                    raise

        others = [p for p in signature(test).parameters.values() if p.name not in names]
        tested.__signature__ = Signature(others)
        return tested

    def decorated(test):
        if not isinstance(test, type):
            return of_all(test)
        for name, method in [*vars(test).items()]:
            if name.startswith("test_"):
                setattr(test, name, of_all(method))
        return test

    return decorated
