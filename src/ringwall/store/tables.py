"""Which tables are there? One description for SQLite and PostgreSQL; migrations bring a database up to it.

* Times are whole microseconds since 1970-01-01 UTC. Lists are canonical JSON text: nothing asks inside them.
* `changes` counts what happened to each table that a process keeps a copy of, in the transaction that changes it.
* No column holds a secret in clear: API keys, codes and lease secrets are hashed, passwords stretched, TOTP secrets
  and secrets of access keys sealed, keys of columns wrapped.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Table, Text

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

CHANGES = Table(
    "changes",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("version", BigInteger, nullable=False),
)

API_KEYS = Table(
    "api_keys",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("secret_sha256", LargeBinary, nullable=False),
    Column("name", String(256), nullable=False),
    Column("subject", String(256), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("roles", Text, nullable=False),
    Column("workloads", Text, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("created_by", String(512), nullable=False),
    Column("expires_us", BigInteger),
    Column("revoked_us", BigInteger),
    Column("revoked_by", String(512)),
    Column("access_key_id", String(20), unique=True, index=True),
    Column("sealed_secret", LargeBinary),
)

CONTAINMENTS = Table(
    "containments",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("scope", String(1024), nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("created_by", String(512), nullable=False),
    Column("expires_us", BigInteger),
    Column("lifted_us", BigInteger),
    Column("lifted_by", String(512)),
    Column("lift_reason", Text),
    Index("ix_containments_standing", "lifted_us", "expires_us"),
)

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("key", String(64), primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("confidentiality", Integer, nullable=False),
    Column("trust", Integer, nullable=False),
    Column("events", Text, nullable=False),
    Column("expires_us", BigInteger, nullable=False, index=True),
)

PLANS = Table(
    "plans",
    METADATA,
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("digest", String(128), nullable=False),
    Column("first_run_us", BigInteger, nullable=False),
)

USERS = Table(
    "users",
    METADATA,
    Column("subject", String(32), primary_key=True),
    Column("username", String(64), nullable=False, unique=True),
    Column("password_hash", String(256)),
    Column("totp_sealed", LargeBinary),
    Column("totp_step", BigInteger, nullable=False),
    Column("groups", Text, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("disabled_us", BigInteger),
    Column("failures", Integer, nullable=False),
    Column("locked_until_us", BigInteger, nullable=False),
)

ENROLMENT_CODES = Table(
    "enrolment_codes",
    METADATA,
    Column("code_sha256", LargeBinary, primary_key=True),
    Column("subject", String(32), ForeignKey(USERS.c.subject, ondelete="CASCADE"), nullable=False, index=True),
    Column("purpose", String(32), nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("used_us", BigInteger),
)

COLUMN_KEYS = Table(
    "column_keys",
    METADATA,
    Column("name", String(256), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("state", String(16), nullable=False),
    Column("share", String(32), nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("created_by", String(512), nullable=False),
    Column("shredded_us", BigInteger),
    Column("shredded_by", String(512)),
)

LEASES = Table(
    "leases",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("credential", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("secret_sha256", LargeBinary, nullable=False),
    Column("principal", Text, nullable=False),
    Column("workload", String(64), nullable=False),
    Column("session", String(64), nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("ended_us", BigInteger, index=True),
    Column("ended_by", String(16)),
)

VOLUMES = Table(
    "volumes",
    METADATA,
    Column("flow", String(64), primary_key=True),
    Column("slot", BigInteger, primary_key=True, autoincrement=False, index=True),
    Column("workload", String(64), nullable=False),
    Column("destination", String(320), nullable=False),
    Column("bytes", BigInteger, nullable=False),
)

FINDINGS = Table(
    "findings",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("detection", String(64), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("subject", String(1024), nullable=False),
    Column("words", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("first_us", BigInteger, nullable=False),
    Column("last_us", BigInteger, nullable=False),
    Column("found_us", BigInteger, nullable=False),
    Column("response", String(16), nullable=False),
    Column("response_words", Text, nullable=False),
    Column("needs_person", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("contained_us", BigInteger),
    Column("released", BigInteger, nullable=False),
    Column("closed_us", BigInteger),
    Column("closed_by", String(512)),
    Column("close_reason", Text),
    Index("ix_findings_repeats", "detection", "subject"),
)

GUARDRAILS = Table(
    "guardrails",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("version", String(8), primary_key=True),
    Column("workload", String(64), nullable=False, index=True),
    Column("definition", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("description", String(200)),
    Column("tags", Text, nullable=False),
    Column("last_version", BigInteger, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("updated_us", BigInteger, nullable=False),
    Column("created_by", String(512), nullable=False),
    Column("token", String(512)),
    Column("token_digest", String(64)),
    Index("ix_guardrails_token", "workload", "token", unique=True),
)

ENFORCED_GUARDRAILS = Table(
    "enforced_guardrails",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("workload", String(64), nullable=False, index=True),
    Column("guardrail", String(64), nullable=False),
    Column("version", String(8), nullable=False),
    Column("settings", Text, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("created_by", String(512), nullable=False),
    Column("updated_us", BigInteger, nullable=False),
    Column("updated_by", String(512), nullable=False),
)
