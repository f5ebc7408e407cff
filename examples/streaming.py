"""Streams are judged as they flow: a card number never comes out, however the answer is cut into pieces.

ringwall up --ready-file ready.json
python examples/streaming.py
"""

from __future__ import annotations

from _gateway import connect

client = connect()
# A card number in two halves: neither is one by itself, so both reach the model. What the model says holds it whole.
halves = ["Our test card is 4111 1111", "1111 1111, it expires next year"]
stream = client.chat.completions.create(
    model="rehearsal/echo",
    messages=[{"role": "user", "content": [{"type": "text", "text": half} for half in halves]}],
    stream=True,
)
pieces = []
for chunk in stream:
    if chunk.choices and chunk.choices[0].delta.content:
        pieces.append(chunk.choices[0].delta.content)
        print(pieces[-1], end="|", flush=True)
print(f"\n{len(pieces)} pieces, together: {''.join(pieces)}")
