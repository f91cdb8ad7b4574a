#!/usr/bin/python3
"""The tests of run.py with Django 4.2, as Debian's bookworm-backports has it: the long form, with C10K_FULL=1.

It downloads and unpacks that Django into the build's folder, and installs nothing. Without a network the test is
skipped; ``C10K_DJANGO42`` names a folder that has the package ``django`` instead.
"""

import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("C10K_BUILD", HERE.parents[1] / "build"))
FOLDER = BUILD / "django42"
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
SOURCE = f"deb [signed-by={KEYS}] http://deb.debian.org/debian bookworm-backports main\n"
SKIPPED = 77  # an exit status that ctest knows


def download() -> pathlib.Path:
    """Where the package is. Leaves the machine's own lists of packages alone. Raises CalledProcessError and OSError."""
    packages = FOLDER / "usr" / "lib" / "python3" / "dist-packages"
    if not packages.exists():
        for name in ("lists/partial", "cache/archives/partial"):
            (FOLDER / name).mkdir(parents=True, exist_ok=True)
        (FOLDER / "backports.list").write_text(SOURCE)
        options = {
            "Dir::Etc::SourceList": FOLDER / "backports.list", "Dir::Etc::SourceParts": "/dev/null",
            "Dir::State::Lists": FOLDER / "lists", "Dir::Cache": FOLDER / "cache",
            "APT::Sandbox::User": "", "Acquire::Retries": 0, "Acquire::http::Timeout": 20,
        }  # fmt: skip
        apt = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in options.items())]
        run = {"cwd": FOLDER, "check": True, "capture_output": True, "text": True}
        subprocess.run([*apt, "-oAPT::Update::Error-Mode=any", "update"], **run)
        subprocess.run([*apt, "download", "python3-django"], **run)
        (package,) = FOLDER.glob("python3-django_*.deb")
        subprocess.run(["dpkg-deb", "-x", package, FOLDER], **run)
    return packages


def main() -> None:
    if os.environ.get("C10K_FULL") != "1":
        print("this runs with C10K_FULL=1 (./test --full)")
        sys.exit(SKIPPED)
    try:
        packages = pathlib.Path(os.environ.get("C10K_DJANGO42") or download())
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"Django 4.2 is not to be had: {error}\n{getattr(error, 'stderr', '')}")
        sys.exit(SKIPPED)
    path = os.pathsep.join([str(packages), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path}
    version = [sys.executable, "-c", "import django; print(django.__version__)"]
    found = subprocess.run(version, env=environment, check=True, capture_output=True, text=True).stdout.strip()
    if not found.startswith("4.2."):
        sys.exit(f"{packages} has Django {found}, not 4.2")
    print(f"Django {found}", flush=True)
    os.execve(sys.executable, [sys.executable, "-B", str(HERE / "run.py"), *sys.argv[1:]], environment)


if __name__ == "__main__":
    main()
