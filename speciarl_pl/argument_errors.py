"""What a wrong argument says, without what the parser says about it."""

import re


def argument_message(error: BaseException | None) -> str | None:
    """Message of the `ValueError` about an argument that this package raised; None for a bug.

    jsonargparse wraps what a constructor raises in a description of all types that were tried.
    """
    while error is not None:
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        module = trace.tb_frame.f_globals["__name__"] if trace else ""
        if module.startswith("speciarl_pl.") and re.match(r"[a-z_][\w.]*: ", str(error)):
            return str(error)
        error = error.__cause__ or error.__context__
    return None
