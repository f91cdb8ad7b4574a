"""What a program prints about itself for others: completion in bash, and its man page."""

import pathlib
import re
import subprocess
import tempfile

from support.cases import CommandTestCase, main
from support.environment import BUILD
from support.process import run


class Completion(CommandTestCase):
    """Bash completes commands with the script that the program prints."""

    def offers(self, *words, program=None, name="manage"):
        """The completions of the last of `words`."""
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "a file.conf").touch()
            pathlib.Path(folder, "a folder").mkdir()
            script = pathlib.Path(folder, "script.bash")
            script.write_text("\n".join(run("completion", "bash", program=program).stdout) + "\n")
            asked = subprocess.run(
                ["bash", "--norc", "-c",
                 'source "$1"; shift; function=$(complete -p "$1"); function=${function#*-F }; COMP_WORDS=("$@")'
                 '; COMP_CWORD=$(($# - 1)); ${function%% *}; printf "%s\\n" "${COMPREPLY[@]}"', "bash", script, name, *words],
                cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True)
            return [line for line in asked.stdout.splitlines() if line]

    def test_is_of_commands_options_values_settings_and_files(self):
        self.assertEqual(self.offers("runs"), ["runserver"])
        self.assertEqual(set(self.offers("")) & {"runserver", "gameoflife", "testecho", "check", "--version"},
                         {"runserver", "gameoflife", "testecho", "check", "--version"})
        self.assertEqual(self.offers("runserver", "--nor"), ["--noreload"])
        self.assertEqual(self.offers("check", "--a"), ["--all"])
        self.assertEqual(self.offers("runserver", "--backend", ""), ["auto", "epoll", "io_uring"])
        self.assertEqual(self.offers("runserver", "--backend", "=", "e"), ["epoll"])  # as bash splits it
        self.assertEqual(self.offers("testecho", "--backend", "io"), ["io_uring"])
        self.assertEqual(self.offers("runserver", "--set", "ping_"), ["ping_interval=", "ping_timeout="])
        self.assertEqual(self.offers("check", "--set", "life_c"), ["life_control="])
        self.assertEqual(self.offers("runserver", "--settings", "a"), ["a file.conf", "a folder"])
        self.assertEqual(self.offers("certificate", "--folder", "a"), ["a folder"])
        self.assertEqual(self.offers("completion", ""), ["bash"])
        self.assertEqual(self.offers("runserver", "--workers", ""), [])

    def test_is_there_for_c10k(self):
        tool = BUILD / "bin/c10k"
        self.assertEqual(self.offers("start", program=tool, name="c10k"), ["startproject", "startapp"])
        self.assertEqual(self.offers("startproject", "a", program=tool, name="c10k"), [])

    def test_of_another_shell_is_refused(self):
        self.assert_one_line(run("completion", "csh"), "use bash")


class ManPages(CommandTestCase):
    def test_are_of_all_commands_options_and_settings_and_without_a_fault(self):
        tool = BUILD / "bin/c10k"
        for program, told in [(None, ["runserver", "--noreload", "gameoflife", "ping_interval", "life_control", "C10K_NAME", "EXIT STATUS"]),
                              (tool, ["startproject", "FOLDER"])]:
            page = "\n".join(run("man", program=program).stdout) + "\n"
            shown = subprocess.run(["groff", "-man", "-ww", "-Tascii", "-P-c"], input=page, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
            self.assertEqual(shown.stderr, "")
            text = re.sub(r".\x08", "", shown.stdout)
            for word in told:
                self.assertIn(word, text)

    def test_and_completion_are_installed(self):
        with tempfile.TemporaryDirectory() as prefix:
            subprocess.run(["cmake", "--install", BUILD, "--prefix", prefix], stdout=subprocess.DEVNULL,
                           check=True)
            share = pathlib.Path(prefix, "share")
            for file, word in {"man/man1/c10k.1": "startproject", "man/man1/c10k-manage.1": "ping_interval",
                               "bash-completion/completions/c10k": "startapp",
                               "bash-completion/completions/manage": "ping_interval"}.items():
                self.assertIn(word, (share / file).read_text(), file)
            self.assertNotIn("gameoflife", (share / "man/man1/c10k-manage.1").read_text())


if __name__ == "__main__":
    main()
