"""Certificates for a test's servers and clients."""

import atexit
import functools
import pathlib
import shutil
import ssl
import subprocess
import tempfile

from . import environment


class Certificate:
    """What `manage certificate NAMES...` makes, in a folder that goes with the test program."""

    def __init__(self, *names, program=None):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        atexit.register(shutil.rmtree, self.folder)
        self.certificate, self.key, self.ca = (self.folder / f"{name}.pem" for name in ("certificate", "key", "ca"))
        subprocess.run([program or environment.MANAGE, "certificate", *names, "--folder", self.folder], cwd=self.folder,
                       env=environment.for_programs(), stdout=subprocess.DEVNULL, check=True)

    @property
    def options(self):
        """Of a server that shows it."""
        return ("--set", f"tls_certificate={self.certificate}", "--set", f"tls_key={self.key}")

    @functools.cached_property
    def client(self):
        """An ssl context that trusts it."""
        return ssl.create_default_context(cafile=self.ca)

    @functools.cached_property
    def server(self):
        """An ssl context that shows it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


@functools.cache
def certificate():
    """The one of all servers that need not have their own."""
    return Certificate()
