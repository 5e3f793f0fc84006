"""Fuzz one target with atheris, guided by coverage: python -m fuzz TARGET [libFuzzer's options] [CORPUS…].

Runs in an environment of its own (``make fuzz``). What fails is left as ``crash-…`` in ``build/crashes``: copy it into
``tests/fuzz/corpus/TARGET``, and ``make rest`` reruns it from then on.
"""

import sys

import atheris

# Without atheris's hook for patterns: in 3.0.0 it breaks json (match() with a position).
with atheris.instrument_imports(include=["healthy_mailing"]):
    from fuzz.targets import TARGETS


def main() -> None:
    """Fuzz the target that the first argument names."""
    target = TARGETS[sys.argv.pop(1)]

    def one_input(data: bytes) -> None:
        # Beyond UTF-8: json gives lone surrogates for "\ud800", and so do bytes that are no UTF-8 here.
        target(data.decode("utf-8", "surrogateescape"))

    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
