"""Terraform and its AWS provider: finding them, fetching them, running them."""

import contextlib
import hashlib
import io
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness import lifeline, locks, paths
from harness.errors import HarnessError, tail

RELEASE = "1.11.4"
RELEASES = "https://releases.hashicorp.com/terraform"
# From terraform_1.11.4_SHA256SUMS of the official release.
SHA256 = {
    "linux_amd64": "1ce994251c00281d6845f0f268637ba50c0005657eb3cf096b92f753b42ef4dc",
    "linux_arm64": "a43d1d0da9b9bab214a8305a39db0e40869572594ccf50c416a7756499143633",
    "darwin_amd64": "a56d5002b9f7647291faccc3dd1a70350e60fb61e4c45037629508b8fdc2575b",
    "darwin_arm64": "867e0808fa971217043e25b7a792b10720c79b1546f8a68479b74f138be73e18",
}
# What the configuration in terraform/ needs: `lifecycle` in a `removed` block (OpenTofu's pull request 2628).
MINIMUM = {"Terraform": (1, 7), "OpenTofu": (1, 10)}
REGISTRY = {"Terraform": "registry.terraform.io", "OpenTofu": "registry.opentofu.org"}
PROVIDER = "registry.terraform.io/hashicorp/aws"  # as mirrors lay it out

COLLECT_SELDOM = {"GOGC": "400"}
"""Environment of Terraform and its provider. They decode the schema of 1,500 resources each time; collecting garbage
less often takes off a third of a plan's CPU, for a tenth more memory."""

_REGISTRY_SECONDS = 3
_CHANGES = 2
"""How ``plan -detailed-exitcode`` ends if there is something to change."""
_DOWNLOAD_SECONDS = 60


class TerraformError(HarnessError):
    """Terraform is missing, too old, or failed."""


@dataclass(frozen=True)
class Terraform:
    """A Terraform or OpenTofu program that is new enough."""

    program: Path
    product: str  # "Terraform" or "OpenTofu"
    version: str

    def run(
        self, *arguments: str, folder: Path, environment: Mapping[str, str] | None = None, check: bool = True
    ) -> str:
        """Run it in a folder and return what it printed on standard output.

        It sees nothing of the user's ``AWS_*`` and ``TF_*`` variables, only ``environment``, and stops when this
        process does.

        Raises:
            TerraformError: it failed, and ``check`` is true; the message holds the end of its output.
        """
        return self._run(arguments, folder, environment or {}, allowed=(0,) if check else None)[1]

    def plans_changes(self, *arguments: str, folder: Path, environment: Mapping[str, str] | None = None) -> bool:
        """Run ``plan`` in a folder, as :meth:`run` does, and return whether there is anything to change.

        Raises:
            TerraformError: as :meth:`run`.
        """
        command = ("plan", "-no-color", "-detailed-exitcode", *arguments)
        return self._run(command, folder, environment or {}, allowed=(0, _CHANGES))[0] == _CHANGES

    def _run(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], allowed: Sequence[int] | None
    ) -> tuple[int, str]:
        """Return its exit code, which must be one of those allowed (None: any), and what it printed."""
        base = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_"))}
        base.update(CHECKPOINT_DISABLE="1", TF_IN_AUTOMATION="1", TF_INPUT="0")
        base.update(provider_installation(self))
        base = {**COLLECT_SELDOM, **base}
        # Local runs start without a lock file, and without one Terraform would not use its plugin cache.
        base["TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE"] = "1"
        with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
            with subprocess.Popen(
                [sys.executable, "-I", lifeline.__file__, str(self.program), *arguments],
                cwd=folder,
                env={**base, **environment},
                stdin=subprocess.PIPE,  # held open: Terraform is stopped when it closes
                stdout=output,
                stderr=errors,
                # Ctrl-C reaches Terraform through us, so that it comes once.
                start_new_session=True,
            ) as process:
                try:
                    process.wait()
                except BaseException:
                    process.terminate()
                    process.wait()
                    raise
            output.seek(0)
            errors.seek(0)
            if allowed is not None and process.returncode not in allowed:
                command = " ".join([self.program.name, *arguments])
                raise TerraformError(f"`{command}` failed in {folder}:\n{tail(errors.read() or output.read())}")
            return process.returncode, output.read()

    def init(self, *, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        """Run ``init`` in a folder, one at a time: a plugin cache is not made for two at once.

        Raises:
            TerraformError: as :meth:`run`.
        """
        with locks.alone(paths.TOOLS / "init.lock"):
            self.run("init", "-no-color", folder=folder, environment=environment)

    def replace_this_process(self, arguments: list[str], folder: Path) -> None:
        """Become Terraform, with the user's whole environment: for real accounts and interactive use."""
        environment = {"CHECKPOINT_DISABLE": "1", **os.environ}
        environment.pop("TF_CLI_CONFIG_FILE", None)
        if arguments[:1] != ["fmt"]:  # which needs no provider
            environment = {**provider_installation(self), **environment}
        os.chdir(folder)
        os.execve(self.program, [self.program.name, *arguments], environment)


def find() -> Terraform:
    """Find Terraform: ``TERRAFORM``, else ``terraform``, else ``tofu`` on PATH, else the pinned release, fetched once.

    Raises:
        TerraformError: none of these is usable, or it is too old.
    """
    named = os.environ.get("TERRAFORM")
    if named:
        program = shutil.which(named)
        if program is None:
            raise TerraformError(f"TERRAFORM is {named}, which is not a program. Correct it or unset it.")
    else:
        program = shutil.which("terraform") or shutil.which("tofu")
    return _identify(Path(program) if program else download())


def _identify(program: Path) -> Terraform:
    environment = {name: value for name, value in os.environ.items() if name != "TF_CLI_CONFIG_FILE"}
    environment["CHECKPOINT_DISABLE"] = "1"
    try:
        answer = subprocess.run(
            [program, "version"], env=environment, capture_output=True, text=True, timeout=60, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise TerraformError(f"{program} does not run ({error}). Reinstall Terraform or set TERRAFORM.") from error
    match = re.match(r"(Terraform|OpenTofu) v(\d+)\.(\d+)(\S*)", answer)
    if not match:
        raise TerraformError(f"{program} is neither Terraform nor OpenTofu. Set TERRAFORM to one of them.")
    product, major, minor, rest = match.groups()
    if (int(major), int(minor)) < MINIMUM[product]:
        needed = ".".join(map(str, MINIMUM[product]))
        raise TerraformError(
            f"{program} is {product} {major}.{minor}{rest}, older than {needed}. Upgrade it or set TERRAFORM."
        )
    return Terraform(program, product, f"{major}.{minor}{rest}")


def download() -> Path:
    """Return the pinned official release, fetched into ``build/tools`` the first time.

    Raises:
        TerraformError: no internet, an unsupported platform, or a file whose SHA-256 is not the published one.
    """
    target = platform_name()
    if target not in SHA256:
        raise TerraformError(f"Terraform is not on PATH, and has no download for {target}. Set TERRAFORM.")
    program = paths.TOOLS / f"terraform-{RELEASE}-{target}" / "terraform"
    if program.exists():
        return program
    url = f"{RELEASES}/{RELEASE}/terraform_{RELEASE}_{target}.zip"
    print(f"Terraform is not on PATH. Downloading {RELEASE} from {url}", flush=True)
    try:
        with urllib.request.urlopen(url, timeout=_DOWNLOAD_SECONDS) as response:
            content = response.read()
    except OSError as error:
        raise TerraformError(
            f"Terraform is not on PATH, and {url} can't be reached ({error}). "
            "Install Terraform or OpenTofu, or set TERRAFORM."
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256[target]:
        raise TerraformError(f"{url} has SHA-256 {found}, not the published {SHA256[target]}. It was not installed.")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return _written(program, archive.read("terraform"), mode=0o755)


def platform_name() -> str:
    """Return the platform as Terraform's release files name it, such as ``linux_amd64``."""
    machine = platform.machine().lower()
    architecture = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}.get(machine, machine)
    return f"{platform.system().lower()}_{architecture}"


def provider_installation(terraform: Terraform) -> dict[str, str]:
    """Return the environment that tells Terraform where its provider comes from.

    ``TF_PLUGIN_MIRROR`` wins. Else a configuration of the user's that exists is respected. Else the registry, with a
    plugin cache under ``build/``; where it can't be reached, the first local mirror.

    Raises:
        TerraformError: ``TF_PLUGIN_MIRROR`` holds no AWS provider, or there is neither a registry nor a mirror.
    """
    named = os.environ.get("TF_PLUGIN_MIRROR")
    if named:
        if not (Path(named) / PROVIDER).is_dir():
            raise TerraformError(
                f"TF_PLUGIN_MIRROR is {named}, which does not contain {PROVIDER}. Correct it or unset it."
            )
        return _through_mirror(terraform, Path(named))
    inherited = os.environ.get("TF_CLI_CONFIG_FILE")
    if inherited and Path(inherited).is_file():
        return {"TF_CLI_CONFIG_FILE": inherited}
    configuration = Path.home() / {"Terraform": ".terraformrc", "OpenTofu": ".tofurc"}[terraform.product]
    if configuration.is_file() and "provider_installation" in configuration.read_text(errors="replace"):
        return {}
    registry = REGISTRY[terraform.product]
    if _reachable(registry):
        plugins = paths.TOOLS / "plugins"
        plugins.mkdir(parents=True, exist_ok=True)
        return {"TF_PLUGIN_CACHE_DIR": str(plugins)}
    mirror = next((folder for folder in mirror_folders() if (folder / PROVIDER).is_dir()), None)
    if mirror is None:
        raise TerraformError(
            f"{registry} can't be reached, and no local mirror contains {PROVIDER}. Connect to the internet, or make "
            f"a mirror elsewhere (`{terraform.program.name} providers mirror FOLDER`) and set TF_PLUGIN_MIRROR to it."
        )
    return _through_mirror(terraform, mirror)


def mirror_folders() -> Iterator[Path]:
    """Yield the folders where a local mirror may lie: each in /opt, Terraform's implied ones, the user's own."""
    with contextlib.suppress(OSError):
        yield from sorted(Path("/opt").iterdir())
    for share in ("/usr/local/share", "/usr/share"):
        yield Path(share) / "terraform" / "plugins"
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    yield Path(data) / "terraform" / "plugins"
    yield Path.home() / ".terraform.d" / "plugins"


@cache
def _reachable(registry: str) -> bool:
    try:
        with urllib.request.urlopen(f"https://{registry}/.well-known/terraform.json", timeout=_REGISTRY_SECONDS):
            return True
    except OSError:
        return False


def _through_mirror(terraform: Terraform, mirror: Path) -> dict[str, str]:
    """Write a CLI configuration that takes providers from a mirror and from nowhere else."""
    if terraform.product == "OpenTofu":
        mirror = _under_name_of_opentofu(mirror)
    path = json.dumps(str(mirror))
    content = f"provider_installation {{\n  filesystem_mirror {{\n    path = {path}\n  }}\n}}\n".encode()
    name = hashlib.sha256(content).hexdigest()[:12]
    return {"TF_CLI_CONFIG_FILE": str(_written(paths.TOOLS / f"mirror-{name}.tfrc", content))}


def _written(path: Path, content: bytes, mode: int = 0o644) -> Path:
    """Write a file so that other processes see all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as unfinished:
        unfinished.write(content)
    Path(unfinished.name).chmod(mode)
    return Path(unfinished.name).replace(path)


def _under_name_of_opentofu(mirror: Path) -> Path:
    """Return a mirror that holds the same provider under OpenTofu's registry, where it looks for ``hashicorp/aws``."""
    if (mirror / PROVIDER.replace(REGISTRY["Terraform"], REGISTRY["OpenTofu"])).is_dir():
        return mirror
    renamed = paths.TOOLS / f"mirror-{hashlib.sha256(str(mirror).encode()).hexdigest()[:12]}"
    link = renamed / REGISTRY["OpenTofu"] / "hashicorp" / "aws"
    link.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        link.symlink_to(mirror / PROVIDER, target_is_directory=True)
    return renamed
