"""The server as a process of its own, for tests with real clients."""
import os
import re
import resource
import signal
import subprocess
import threading


class Server:
    """rewind serve on a free port; ends with the block, and has to end well."""

    def __init__(self, program, model, *options, descriptors=None):
        """descriptors: that the process may have, where that is not what this one may."""
        self.command = [program, "serve", "-m", model, "--port", "0", *options]
        self.descriptors = descriptors

    def __enter__(self):
        environment = dict(os.environ, OMP_WAIT_POLICY="passive")
        limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (self.descriptors, self.descriptors))
        self.process = subprocess.Popen(self.command, stderr=subprocess.PIPE, text=True, env=environment,
                                        preexec_fn=limit if self.descriptors else None)
        self.said = []
        for line in self.process.stderr:
            self.said.append(line)
            found = re.search(r"listening on http://([0-9.]+):(\d+)", line)
            if found:
                self.host, self.port = found[1], int(found[2])
                threading.Thread(target=self._drain, daemon=True).start()
                return self
        raise SystemExit("the server did not start:\n" + "".join(self.said))

    def _drain(self):
        for line in self.process.stderr:
            self.said.append(line)

    def __exit__(self, kind, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise SystemExit("the server did not end when it was told to")
        if status != 0 and kind is None:
            raise SystemExit(f"the server ended with {status}:\n" + "".join(self.said))

    def resident_kib(self):
        with open(f"/proc/{self.process.pid}/status") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1])
