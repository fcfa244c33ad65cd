"""The ``koki2-train`` command. Thin: it reads flags, calls the packages, prints."""


def run() -> None:
    """The installed command; Ctrl-C ends it quietly also while it is imported."""
    try:
        import signal

        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    from koki2_train.cli.process import run_process

    run_process()


__all__ = ["run"]
