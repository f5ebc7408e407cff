"""What does a person see? Login, enrolment, and plain messages: forms without scripts.

* Everything that is not ours is escaped. Nothing is loaded from anywhere; a policy forbids it besides.
* No page may be framed, cached, or send its address on.
* A form may be sent to us only; after a login the browser follows our redirect to the program that asked, whose origin
  is named in the policy of that one page (browsers apply `form-action` to redirects too).
"""

from __future__ import annotations

import secrets
from html import escape
from urllib.parse import urlsplit

from starlette.responses import HTMLResponse

_STYLE = """
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}body{max-width:24rem;margin:10vh auto;padding:0 1rem}
label{display:block;margin:.75rem 0 .25rem}input{font:inherit;width:100%;box-sizing:border-box;padding:.5rem}
button{font:inherit;margin-top:1rem;padding:.5rem 1rem}code{font-size:1.1em;word-break:break-all}
.problem{border-left:4px solid #c00;padding-left:.75rem}
"""


def login(action: str, request: str, client: str, redirect: str, problem: str = "", status: int = 200) -> HTMLResponse:
    """The login form."""
    body = (
        f"<h1>Log in</h1>{_problem(problem)}<p>The program <b>{escape(client)}</b> asks who you are.</p>"
        f'<form method="post" action="{escape(action)}">'
        f'<input type="hidden" name="request" value="{escape(request)}">'
        f"{_field('username', 'Username', 'username')}"
        f"{_field('password', 'Password', 'current-password', 'password')}"
        f"{_field('totp', 'Six digits from your authenticator', 'one-time-code')}"
        "<button>Log in</button></form>"
    )
    parts = urlsplit(redirect)
    return page("Log in", body, status, follow=f"{parts.scheme}://{parts.netloc}")


def enrolment_code(action: str, problem: str = "", status: int = 200) -> HTMLResponse:
    """The form that asks for a one-time code."""
    body = (
        f"<h1>Enrol</h1>{_problem(problem)}<p>Type the one-time code that was given to you.</p>"
        f'<form method="post" action="{escape(action)}">{_field("code", "One-time code", "off")}'
        "<button>Go on</button></form>"
    )
    return page("Enrol", body, status)


def enrolment(action: str, request: str, username: str, secret: str, picture: str, problem: str = "") -> HTMLResponse:
    """The form that sets password and second factor. The picture is ours, an inline SVG."""
    body = (
        f"<h1>Enrol</h1>{_problem(problem)}"
        f"<p>You are <b>{escape(username)}</b>. Scan this with your authenticator, or type the secret into it.</p>"
        f"{picture}<p><code>{escape(secret)}</code></p>"
        f'<form method="post" action="{escape(action)}">'
        f'<input type="hidden" name="request" value="{escape(request)}">'
        f"{_field('password', 'Password, at least 12 characters', 'new-password', 'password')}"
        f"{_field('totp', 'Six digits that your authenticator shows now', 'one-time-code')}"
        "<button>Enrol</button></form>"
    )
    return page("Enrol", body, 400 if problem else 200)


def message(title: str, text: str, status: int) -> HTMLResponse:
    """A page that only says something."""
    return page(title, f"<h1>{escape(title)}</h1><p>{escape(text)}</p>", status)


def page(title: str, body: str, status: int, follow: str = "") -> HTMLResponse:
    """A whole page with the headers that every page has."""
    nonce = secrets.token_urlsafe(16)
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'{f' {follow}' if follow else ''}; "
        "frame-ancestors 'none'; base-uri 'none'"
    )
    html = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)} - Ringwall</title>'
        f'<meta name="viewport" content="width=device-width"><style nonce="{nonce}">{_STYLE}</style>{body}</html>'
    )
    headers = {
        "content-security-policy": policy,
        "x-frame-options": "DENY",
        "x-content-type-options": "nosniff",
        # Not `no-referrer`: with it a browser sends `Origin: null` with our own forms.
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "cache-control": "no-store",
    }
    return HTMLResponse(html, status, headers)


def _problem(text: str) -> str:
    return f'<p class="problem" role="alert">{escape(text)}</p>' if text else ""


def _field(name: str, label: str, complete: str, kind: str = "text") -> str:
    return (
        f'<label for="{name}">{escape(label)}</label>'
        f'<input id="{name}" name="{name}" type="{kind}" autocomplete="{complete}" required maxlength="256">'
    )
