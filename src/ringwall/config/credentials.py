"""Which credentials may tools lease? The tables `[credentials.<name>]`, checked, and what controls say of them.

* A credential is the organisation's: a workload cannot make one, and it is lent to the workloads that its table names.
* A database's administrator URL is named and never written, like any secret. A SQLite file is named as it is: its path
  is known to the broker alone, and stands in no lease.
* SQLite names its tables: without them a lease would be the whole file. PostgreSQL names a group, whose rights are the
  database administrator's to give.
* A tool whose credential is not lent to its workload is an error of the configuration, and not a refusal at night.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ringwall.config.document import Document
from ringwall.config.read import nearest
from ringwall.config.schema import Credential
from ringwall.model.framework import ControlId, WorkloadId
from ringwall.model.plan import CredentialPlan, WorkloadPlan
from ringwall.model.vault import COLUMN, CREDENTIAL

SQLITE = "sqlite"
POSTGRES = "postgres"
LEASES = ControlId("identity_data.credential_lease")
"""The control whose setting `tools` names credentials."""


def read_credential(document: Document, name: str, table: Credential, workloads: Sequence[str]) -> CredentialPlan:
    """A credential as it is planned.

    Raises:
        ConfigError: Something is missing, or is meant for the other kind; names file and line.
    """
    where = ("credentials", name)
    if CREDENTIAL.fullmatch(name) is None:
        hint = "lower-case letters, digits and hyphens, a letter first"
        raise document.error(f'"{name}" is not a name for a credential', *where, hint=hint)
    for each in table.workloads:
        if each not in workloads:
            problem = f'no such workload "{each}"'
            raise document.error(problem, *where, "workloads", hint=nearest(each, list(workloads)))
    database = table.database
    if table.kind == SQLITE:
        _check_sqlite(document, table, where)
        database = str((Path(document.file).parent / table.database).absolute())
    else:
        _check_postgres(document, table, where)
    return CredentialPlan(
        name=name,
        kind=table.kind,
        database=database,
        tables=frozenset(table.tables),
        mode=table.mode,
        group=table.group,
        minutes=table.minutes,
        workloads=frozenset(table.workloads),
    )


def check_leases(
    document: Document, workloads: Mapping[WorkloadId, WorkloadPlan], credentials: Mapping[str, CredentialPlan]
) -> None:
    """Every tool's credential is lent to the tool's workload.

    Raises:
        ConfigError: One is not; names file and line.
    """
    for name, plan in workloads.items():
        planned = plan.control(LEASES)
        tools: Mapping[str, str] = getattr(planned.settings, "tools", {}) if planned is not None else {}
        for tool, credential in tools.items():
            own = ("workloads", name, "controls", LEASES, "tools", tool)
            where = own if own in document.lines else ("controls", LEASES, "tools", tool)
            found = credentials.get(credential)
            if found is None:
                hint = nearest(credential, list(credentials)) or "add a table [credentials.<name>]"
                raise document.error(f'no such credential "{credential}"', *where, hint=hint)
            if name not in found.workloads:
                problem = f'credential "{credential}" is not lent to workload "{name}"'
                raise document.error(problem, *where, hint=f"add it to workloads of [credentials.{credential}]")


def _check_sqlite(document: Document, table: Credential, where: tuple[str, ...]) -> None:
    if not table.database or "\0" in table.database:
        raise document.error("a SQLite credential needs the path of its file", *where, "database")
    if not table.tables:
        problem = "a SQLite credential names the tables that it may touch"
        raise document.error(problem, *where, hint='tables = ["products"]')
    wrong = next((each for each in table.tables if COLUMN.fullmatch(each.lower()) is None), None)
    if wrong is not None or any(each.lower().startswith("sqlite_") for each in table.tables):
        raise document.error(f'"{wrong or "sqlite_"}" is not a table that can be lent', *where, "tables")
    if table.group:
        raise document.error("a SQLite credential has no group", *where, "group")


def _check_postgres(document: Document, table: Credential, where: tuple[str, ...]) -> None:
    kind, _, at = table.database.partition(":")
    if kind not in ("env", "file") or not at:
        hint = '"env:NAME" or "file:PATH", where the URL of an administrator of roles stands'
        raise document.error("a credential must be named, not written", *where, "database", hint=hint)
    if COLUMN.fullmatch(table.group) is None:
        problem = "a PostgreSQL credential needs the group whose rights it gives"
        raise document.error(problem, *where, "group", hint='group = "shop_readers"')
    if table.tables:
        hint = "grant what it may touch to the group"
        raise document.error("tables are for SQLite credentials", *where, "tables", hint=hint)
    if table.mode != "read":
        hint = "grant what it may do to the group"
        raise document.error("mode is for SQLite credentials", *where, "mode", hint=hint)
