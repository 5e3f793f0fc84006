"""Finding Terraform and its provider; a fake program stands in for it."""

import hashlib
import io
import os
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import paths, terraform
from harness.terraform import Terraform, TerraformError

AddProgram = Callable[..., Path]


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without Terraform, mirror, user configuration and internet."""
    for name in ("TERRAFORM", "TF_PLUGIN_MIRROR", "TF_CLI_CONFIG_FILE", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(paths, "TOOLS", tmp_path / "tools")
    folders = [tmp_path / name for name in ("nowhere", "mirror", "later")]
    monkeypatch.setattr(terraform, "mirror_folders", lambda: folders)

    def unreachable(url: str, timeout: float) -> None:
        del timeout
        raise urllib.error.URLError(f"no route to {url}")

    monkeypatch.setattr(urllib.request, "urlopen", unreachable)
    terraform._reachable.cache_clear()  # noqa: SLF001  (it remembers for the life of the process)


@pytest.fixture
def add_program(tmp_path: Path) -> AddProgram:
    def add(name: str, answer: str, folder: str = "bin") -> Path:
        program = tmp_path / folder / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\necho '{answer}'\n")
        program.chmod(0o755)
        return program

    return add


def make_mirror(folder: Path) -> Path:
    (folder / terraform.PROVIDER / "5.100.0").mkdir(parents=True)
    return folder


@pytest.fixture
def installed(add_program: AddProgram) -> Terraform:
    add_program("terraform", "Terraform v1.11.4")
    return terraform.find()


def test_a_named_program_wins_and_terraform_on_path_wins_over_tofu(
    add_program: AddProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    tofu = add_program("tofu", "OpenTofu v1.10.1")
    assert terraform.find() == Terraform(tofu, "OpenTofu", "1.10.1")
    found = add_program("terraform", "Terraform v1.7.0-rc1")
    assert terraform.find() == Terraform(found, "Terraform", "1.7.0-rc1")
    named = add_program("my-terraform", "Terraform v1.9.0", folder="elsewhere")
    monkeypatch.setenv("TERRAFORM", str(named))
    assert terraform.find() == Terraform(named, "Terraform", "1.9.0")
    monkeypatch.setenv("TERRAFORM", "/no/such/terraform")
    with pytest.raises(TerraformError, match="TERRAFORM is /no/such/terraform, which is not a program"):
        terraform.find()


@pytest.mark.parametrize(
    ("name", "script", "problem"),
    [
        ("terraform", "echo Terraform v1.6.6", "is Terraform 1.6.6, older than 1.7. Upgrade it or set TERRAFORM"),
        ("terraform", "echo Terraform v0.15.5", "older than 1.7"),
        ("tofu", "echo OpenTofu v1.9.4", "is OpenTofu 1.9.4, older than 1.10"),
        ("terraform", "echo Pulumi v3", "is neither Terraform nor OpenTofu"),
        ("terraform", "exit 3", r"does not run .*\. Reinstall Terraform or set TERRAFORM"),
        ("none", "", r"Terraform is not on PATH, and https://.* can't be reached"),
    ],
)
def test_an_unusable_program_is_refused_in_one_line(
    add_program: AddProgram, name: str, script: str, problem: str
) -> None:
    add_program(name, "unused").write_text(f"#!/bin/sh\n{script}\n")
    with pytest.raises(TerraformError, match=problem) as raised:
        terraform.find()
    assert "\n" not in str(raised.value)


def test_the_pinned_release_is_fetched_checked_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    archive = zip_with_terraform("#!/bin/sh\necho 'Terraform v1.11.4'\n")
    asked = serve(monkeypatch, archive)
    monkeypatch.setattr(terraform, "platform_name", lambda: "linux_amd64")
    monkeypatch.setitem(terraform.SHA256, "linux_amd64", hashlib.sha256(archive).hexdigest())
    first = terraform.find()
    assert first.version == "1.11.4"
    assert terraform.find() == first
    assert asked == ["https://releases.hashicorp.com/terraform/1.11.4/terraform_1.11.4_linux_amd64.zip"]


@pytest.mark.parametrize(
    ("platform", "problem"),
    [
        ("linux_amd64", r"has SHA-256 \w+, not the published \w+. It was not installed"),
        ("plan9_mips", r"has no download for plan9_mips\. Set TERRAFORM"),
    ],
)
def test_nothing_but_a_published_release_is_installed(
    monkeypatch: pytest.MonkeyPatch, platform: str, problem: str
) -> None:
    serve(monkeypatch, zip_with_terraform("tampered with"))
    monkeypatch.setattr(terraform, "platform_name", lambda: platform)
    with pytest.raises(TerraformError, match=problem):
        terraform.find()
    assert not list(paths.TOOLS.glob("**/terraform*"))


SOURCES = ("TF_PLUGIN_MIRROR", "TF_CLI_CONFIG_FILE", "home", "registry", "mirror")


@pytest.mark.parametrize("there", [SOURCES[first:] for first in range(len(SOURCES))], ids=SOURCES)
def test_the_provider_comes_from_the_first_source_that_is_there(
    installed: Terraform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: tuple[str, ...]
) -> None:
    inherited, asked = tmp_path / "inherited.tfrc", list[str]()
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(inherited))
    make_mirror(tmp_path / "mirror")
    make_mirror(tmp_path / "later")
    if "TF_PLUGIN_MIRROR" in there:
        monkeypatch.setenv("TF_PLUGIN_MIRROR", str(make_mirror(tmp_path / "named")))
    if "TF_CLI_CONFIG_FILE" in there:
        inherited.touch()
    if "home" in there:
        Path.home().mkdir()
        (Path.home() / ".terraformrc").write_text("provider_installation {\n  direct {}\n}\n")
    if "registry" in there:
        asked = serve(monkeypatch, b"{}")

    found = terraform.provider_installation(installed)

    if there[0] in {"TF_PLUGIN_MIRROR", "mirror"}:
        folder = tmp_path / ("mirror" if there[0] == "mirror" else "named")
        assert f'path = "{folder}"' in Path(found["TF_CLI_CONFIG_FILE"]).read_text()
    else:
        assert (
            found
            == {
                "TF_CLI_CONFIG_FILE": {"TF_CLI_CONFIG_FILE": str(inherited)},
                "home": {},
                "registry": {"TF_PLUGIN_CACHE_DIR": str(paths.TOOLS / "plugins")},
            }[there[0]]
        )
    assert asked == (["https://registry.terraform.io/.well-known/terraform.json"] if there[0] == "registry" else [])


@pytest.mark.parametrize(
    ("named", "problem"),
    [
        (os.sep, "TF_PLUGIN_MIRROR is /, which does not contain registry.terraform.io/hashicorp/aws"),
        ("", "Connect to the internet, or make a mirror elsewhere .* TF_PLUGIN_MIRROR"),
    ],
    ids=["named mirror", "nothing named"],
)
def test_without_a_provider_one_line_names_the_remedies(
    installed: Terraform, monkeypatch: pytest.MonkeyPatch, named: str, problem: str
) -> None:
    monkeypatch.setenv("TF_PLUGIN_MIRROR", named)
    with pytest.raises(TerraformError, match=problem) as raised:
        terraform.provider_installation(installed)
    assert "\n" not in str(raised.value)


def test_opentofu_finds_the_provider_under_its_own_registry(add_program: AddProgram, tmp_path: Path) -> None:
    make_mirror(tmp_path / "mirror")
    add_program("tofu", "OpenTofu v1.10.0")
    configuration = Path(terraform.provider_installation(terraform.find())["TF_CLI_CONFIG_FILE"]).read_text()
    mirror = Path(configuration.split('"')[1])
    assert (mirror / "registry.opentofu.org" / "hashicorp" / "aws" / "5.100.0").is_dir()


def test_a_run_sees_only_the_environment_it_is_given(
    installed: Terraform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_mirror(tmp_path / "mirror")
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("TF_VAR_name", "production")
    installed.program.write_text("#!/bin/sh\nset\n")
    output = installed.run("apply", folder=tmp_path, environment={"AWS_ENDPOINT_URL": "http://127.0.0.1:1"})
    assert "production" not in output
    assert "AWS_ENDPOINT_URL='http://127.0.0.1:1'" in output
    assert "CHECKPOINT_DISABLE='1'" in output


def test_a_failed_run_says_what_failed_and_why_unless_it_may_fail(installed: Terraform, tmp_path: Path) -> None:
    make_mirror(tmp_path / "mirror")
    installed.program.write_text("#!/bin/sh\necho 'so far'\necho 'Error: no such thing' >&2\nexit 1\n")
    with pytest.raises(TerraformError, match=f"`terraform apply` failed in {tmp_path}:\nError: no such thing"):
        installed.run("apply", folder=tmp_path)
    assert installed.run("plan", folder=tmp_path, check=False) == "so far\n"


def zip_with_terraform(program: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("LICENSE.txt", "")
        archive.writestr("terraform", program)
    return content.getvalue()


def serve(monkeypatch: pytest.MonkeyPatch, content: bytes) -> list[str]:
    """Answer every request with this content, and return the list of addresses asked for."""
    asked = []

    def urlopen(url: str, timeout: float) -> io.BytesIO:
        del timeout
        asked.append(url)
        return io.BytesIO(content)

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    return asked
