"""Finding Terraform and its provider; a fake program stands in for it."""

import hashlib
import io
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
    monkeypatch.setattr(terraform, "mirror_folders", lambda: [tmp_path / "nowhere"])

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
def mirrored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A mirror where one is looked for."""
    mirror = make_mirror(tmp_path / "mirror")
    monkeypatch.setattr(terraform, "mirror_folders", lambda: [mirror])
    return mirror


@pytest.fixture
def installed(add_program: AddProgram) -> Terraform:
    add_program("terraform", "Terraform v1.11.4")
    return terraform.find()


def test_the_named_program_wins_over_those_on_path(add_program: AddProgram, monkeypatch: pytest.MonkeyPatch) -> None:
    add_program("terraform", "Terraform v1.11.4")
    named = add_program("my-terraform", "Terraform v1.9.0", folder="elsewhere")
    monkeypatch.setenv("TERRAFORM", str(named))
    assert terraform.find() == Terraform(named, "Terraform", "1.9.0")


def test_terraform_on_path_wins_over_tofu(add_program: AddProgram) -> None:
    tofu = add_program("tofu", "OpenTofu v1.10.1")
    assert terraform.find() == Terraform(tofu, "OpenTofu", "1.10.1")
    found = add_program("terraform", "Terraform v1.7.0-rc1")
    assert terraform.find() == Terraform(found, "Terraform", "1.7.0-rc1")


@pytest.mark.parametrize(
    ("name", "script", "problem"),
    [
        ("terraform", "echo Terraform v1.6.6", "is Terraform 1.6.6, older than 1.7. Upgrade it or set TERRAFORM"),
        ("terraform", "echo Terraform v0.15.5", "older than 1.7"),
        ("tofu", "echo OpenTofu v1.9.4", "is OpenTofu 1.9.4, older than 1.10"),
        ("terraform", "echo Pulumi v3", "is neither Terraform nor OpenTofu"),
        ("terraform", "exit 3", r"does not run .*\. Reinstall Terraform or set TERRAFORM"),
    ],
)
def test_an_unusable_program_is_refused_in_one_line(
    add_program: AddProgram, name: str, script: str, problem: str
) -> None:
    add_program(name, "unused").write_text(f"#!/bin/sh\n{script}\n")
    with pytest.raises(TerraformError, match=problem) as raised:
        terraform.find()
    assert "\n" not in str(raised.value)


def test_a_named_program_that_does_not_exist_is_an_error(
    add_program: AddProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_program("terraform", "Terraform v1.11.4")
    monkeypatch.setenv("TERRAFORM", "/no/such/terraform")
    with pytest.raises(TerraformError, match="TERRAFORM is /no/such/terraform, which is not a program"):
        terraform.find()


def test_without_a_program_and_internet_one_line_says_so() -> None:
    with pytest.raises(TerraformError, match=r"Terraform is not on PATH, and https://.* can't be reached") as raised:
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


def test_a_release_with_another_checksum_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, zip_with_terraform("tampered with"))
    monkeypatch.setattr(terraform, "platform_name", lambda: "linux_amd64")
    with pytest.raises(TerraformError, match=r"has SHA-256 \w+, not the published \w+. It was not installed"):
        terraform.find()
    assert not list(paths.TOOLS.glob("**/terraform*"))


def test_an_unknown_platform_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terraform, "platform_name", lambda: "plan9_mips")
    with pytest.raises(TerraformError, match=r"has no download for plan9_mips\. Set TERRAFORM"):
        terraform.find()


def test_the_named_mirror_wins_over_the_users_configuration(
    installed: Terraform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inherited = tmp_path / "inherited.tfrc"
    inherited.touch()
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(inherited))
    monkeypatch.setenv("TF_PLUGIN_MIRROR", str(make_mirror(tmp_path / "mirror")))
    configuration = Path(terraform.provider_installation(installed)["TF_CLI_CONFIG_FILE"])
    assert f'path = "{tmp_path / "mirror"}"' in configuration.read_text()


def test_a_named_mirror_without_the_provider_is_an_error(
    installed: Terraform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_PLUGIN_MIRROR", str(tmp_path))
    with pytest.raises(
        TerraformError, match=r"TF_PLUGIN_MIRROR is .*, which does not contain registry.terraform.io/hashicorp/aws"
    ):
        terraform.provider_installation(installed)


@pytest.mark.usefixtures("mirrored")
def test_an_inherited_configuration_is_respected_if_it_exists(
    installed: Terraform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inherited = tmp_path / "inherited.tfrc"
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(inherited))
    assert terraform.provider_installation(installed)["TF_CLI_CONFIG_FILE"] != str(inherited)
    inherited.touch()
    assert terraform.provider_installation(installed) == {"TF_CLI_CONFIG_FILE": str(inherited)}


def test_installation_rules_in_the_home_folder_are_respected(installed: Terraform) -> None:
    configuration = Path.home() / ".terraformrc"
    configuration.parent.mkdir()
    configuration.write_text('provider_installation {\n  network_mirror { url = "https://mirror.example.com/" }\n}\n')
    assert terraform.provider_installation(installed) == {}


def test_a_reachable_registry_is_used_with_a_plugin_cache(
    installed: Terraform, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = serve(monkeypatch, b"{}")
    assert terraform.provider_installation(installed) == {"TF_PLUGIN_CACHE_DIR": str(paths.TOOLS / "plugins")}
    assert asked == ["https://registry.terraform.io/.well-known/terraform.json"]


def test_the_first_folder_with_the_provider_is_the_mirror(tmp_path: Path) -> None:
    (tmp_path / "empty" / "registry.terraform.io").mkdir(parents=True)
    first, second = make_mirror(tmp_path / "first"), make_mirror(tmp_path / "second")
    assert terraform.find_mirror([tmp_path / "absent", tmp_path / "empty", first, second]) == first
    assert terraform.find_mirror([tmp_path / "empty"]) is None


@pytest.mark.usefixtures("mirrored")
def test_opentofu_finds_the_provider_under_its_own_registry(add_program: AddProgram) -> None:
    add_program("tofu", "OpenTofu v1.10.0")
    configuration = Path(terraform.provider_installation(terraform.find())["TF_CLI_CONFIG_FILE"]).read_text()
    mirror = Path(configuration.split('"')[1])
    assert (mirror / "registry.opentofu.org" / "hashicorp" / "aws" / "5.100.0").is_dir()


def test_without_registry_and_mirror_one_line_names_the_remedies(installed: Terraform) -> None:
    with pytest.raises(
        TerraformError, match=r"Connect to the internet, or make a mirror elsewhere .* TF_PLUGIN_MIRROR"
    ) as raised:
        terraform.provider_installation(installed)
    assert "\n" not in str(raised.value)


@pytest.mark.usefixtures("mirrored")
def test_a_run_sees_only_the_environment_it_is_given(
    installed: Terraform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("TF_VAR_name", "production")
    installed.program.write_text("#!/bin/sh\nset\n")
    output = installed.run("apply", folder=tmp_path, environment={"AWS_ENDPOINT_URL": "http://127.0.0.1:1"})
    assert "production" not in output
    assert "AWS_ENDPOINT_URL='http://127.0.0.1:1'" in output
    assert "CHECKPOINT_DISABLE='1'" in output


@pytest.mark.usefixtures("mirrored")
def test_a_failed_run_says_what_failed_and_why_unless_it_may_fail(installed: Terraform, tmp_path: Path) -> None:
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
