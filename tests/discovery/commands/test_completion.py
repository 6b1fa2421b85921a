import subprocess
import sys

import pytest
from support.terminal import run

from discovery.cli import create_parser, main


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    path = tmp_path_factory.mktemp("completion") / "discover.bash"
    done = subprocess.run(
        [sys.executable, "-m", "discovery.cli", "completion", "bash"], capture_output=True, text=True, check=True
    )
    path.write_text(done.stdout)
    return path


def completed(script, *words):
    """What bash offers for the last of these words."""
    line = f"""
source {script}
COMP_WORDS=({" ".join(repr(word) for word in words)})
COMP_CWORD={len(words) - 1}
{"$"}(complete -p discover | sed -E 's/.*-F ([^ ]+).*/\\1/') discover '{words[-1]}' '{words[-2]}'
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "--norc", "-c", line], capture_output=True, text=True, check=True, cwd=script.parent)
    return set(done.stdout.split())


def test_bash_offers_commands_options_and_choices(script):
    assert completed(script, "discover", "clu") == {"cluster"}
    assert completed(script, "discover", "exp") == {"explore", "export"}
    assert "--seed" in completed(script, "discover", "cluster", "--se")
    assert completed(script, "discover", "cluster", "X", "--method", "h") == {"hdbscan"}
    assert completed(script, "discover", "audit", "im") >= {"import"}


def test_bash_offers_files(script):
    (script.parent / "some.csv").touch()
    assert "some.csv" in completed(script, "discover", "ingest", "--labels", "so")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_command_is_in_every_script(capsys, shell):
    code, out, _ = run(capsys, "completion", shell)
    assert code == 0
    (commands,) = [action for action in create_parser()._actions if action.dest == "command"]
    assert len(commands.choices) > 20
    for name in commands.choices:
        assert name in out


def test_another_shell_is_refused(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["completion", "csh"])
    assert stop.value.code == 2
    assert "invalid choice: 'csh'" in capsys.readouterr().err


def test_it_imports_nothing_heavy():
    script = (
        "import sys; from discovery.cli import main; main(['completion', 'zsh']);"
        "sys.exit(any(name in sys.modules for name in ('numpy', 'torch', 'rich', 'pandas', 'embed.study.study')))"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
