"""The command line as a user types it."""

from discovery.cli import main


def run(capsys, *arguments):
    """One command, as typed: exit code, and what it printed on both streams."""
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def error_of(capsys, *arguments):
    """A command that must refuse in one line."""
    code, _, err = run(capsys, *arguments)
    assert code == 2
    assert err.count("\n") == 1
    return err
