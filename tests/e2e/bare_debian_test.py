"""The Debian package on a Debian 12 with nothing else: what it depends on is enough to make, build, test and serve a site.

A root for chroot is made by debootstrap, from the mirror that this machine uses: several minutes.
"""

import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

from support import environment
from support.environment import BUILD, SKIPPED
from support.process import ManageServer
from project_test import SiteTestCase



def mirror():
    """Where this machine has the packages of Debian 12 from; empty if it has them from nowhere."""
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Codename: bookworm"],
        capture_output=True, text=True, check=False)
    return next(iter(listed.stdout.split()), "")


def reason_to_skip():
    if os.geteuid() != 0:
        return "only root may make a bare Debian"
    if not shutil.which("debootstrap"):
        return "there is no debootstrap: apt-get install debootstrap"
    if not mirror():
        return "apt knows no mirror of Debian 12 (bookworm)"
    return ""


def run(*command, **options):
    """Runs it to its end, and shows what it said if it failed."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def inside(root, folder="/"):
    """What stands in front of a command to run it in a folder of `root`, with a /proc and an environment of its own."""
    enter = f'mount -t proc proc {root}/proc && exec chroot {root} env -i -C {folder} "$@"'
    return ["unshare", "--mount", "sh", "-c", enter, "sh", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",
            "DEBIAN_FRONTEND=noninteractive"]


class BareDebian(SiteTestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.root = pathlib.Path(folder.name, "root")
        run("debootstrap", "--variant=minbase", "bookworm", cls.root, mirror())
        run("cmake", "--build", BUILD, "--target", "deb")
        (package,) = BUILD.glob("libc10k-dev_*.deb")
        shutil.copy(package, cls.root / "tmp/libc10k-dev.deb")
        run(*inside(cls.root), "apt-get", "install", "--no-install-recommends", "-y", "/tmp/libc10k-dev.deb")

    async def test_is_all_that_a_site_needs(self):
        run(*inside(self.root, "/root"), "c10k", "startproject", "mysite")
        self.assertIn("100% tests passed", run(*inside(self.root, "/root/mysite"), "./test"))

        serve = self.root.parent / "serve"
        serve.write_text(f'#!/bin/sh\nexec {shlex.join(inside(self.root, "/root/mysite"))} ./manage "$@"\n')
        serve.chmod(0o755)
        server = ManageServer(program=serve)
        self.addCleanup(server.kill)
        await self.assert_app_answers(server, "/", "hello")
        self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    environment.exit_if_not_for_here()
    if reason := reason_to_skip():
        print(reason)
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
