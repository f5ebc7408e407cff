"""Which field of a request to Amazon Bedrock is judged, which is inert, which is refused, and why?

Every field of the installed `botocore` package's models of Converse, ConverseStream, InvokeModel and
InvokeModelWithResponseStream stands here; a test walks those models. A field that is not here is unknown, and unknown
is refused (law 9). What the words mean: `ringwall.dataplane.wire.reading`.
"""

from __future__ import annotations

from ringwall.dataplane.wire.reading import Fields, Handling

_IMAGE = "image image.format image.source image.source.bytes".split()
_GUARD = "text text.text text.qualifiers image image.format image.source image.source.bytes".split()

_JUDGED = [
    *"""
    modelId messages system inferenceConfig toolConfig outputConfig additionalModelRequestFields
    messages.role messages.content messages.content.text
    messages.content.toolUse messages.content.toolUse.toolUseId messages.content.toolUse.name
    messages.content.toolUse.input
    messages.content.toolResult messages.content.toolResult.toolUseId messages.content.toolResult.content
    messages.content.toolResult.content.text messages.content.toolResult.content.json
    messages.content.toolResult.status
    messages.content.guardContent messages.content.reasoningContent messages.content.reasoningContent.reasoningText
    messages.content.reasoningContent.reasoningText.text messages.content.reasoningContent.reasoningText.signature
    system.text system.guardContent
    inferenceConfig.maxTokens inferenceConfig.temperature inferenceConfig.topP inferenceConfig.stopSequences
    toolConfig.tools toolConfig.tools.toolSpec toolConfig.tools.toolSpec.name toolConfig.tools.toolSpec.description
    toolConfig.tools.toolSpec.inputSchema toolConfig.tools.toolSpec.inputSchema.json toolConfig.tools.toolSpec.strict
    toolConfig.toolChoice toolConfig.toolChoice.auto toolConfig.toolChoice.any toolConfig.toolChoice.tool
    toolConfig.toolChoice.tool.name
    outputConfig.effort outputConfig.textFormat outputConfig.textFormat.type outputConfig.textFormat.structure
    outputConfig.textFormat.structure.jsonSchema outputConfig.textFormat.structure.jsonSchema.schema
    outputConfig.textFormat.structure.jsonSchema.name outputConfig.textFormat.structure.jsonSchema.description
    """.split(),
    *(f"messages.content.{each}" for each in _IMAGE),
    *(f"messages.content.toolResult.content.{each}" for each in _IMAGE),
    *(f"messages.content.guardContent.{each}" for each in _GUARD),
    *(f"system.guardContent.{each}" for each in _GUARD),
]

_INERT = """
requestMetadata performanceConfig serviceTier
messages.content.cachePoint system.cachePoint toolConfig.tools.cachePoint
""".split()

_ALONE = "no control can judge what is not read in the request itself; send it in the request, as bytes"
_CITED = "citations are content that no control judges; leave them out"
_FILES = "no control understands documents yet; send their text"
_HOSTED = "it makes the provider act or fetch on its own, where no control stands"
_MEDIA = "no control understands audio and video yet"
_STORED = "it names something that the provider keeps, where no control stands"
_TOOLS = "the tools on offer are those of toolConfig, where they are judged"

NO_GUARDRAIL = (
    "the guardrail identifier or version provided in the request does not exist; the controls of this workload hold "
    "without one"
)

REFUSED: dict[str, str] = {
    "additionalModelResponseFieldPaths": "it asks for fields of the provider's own that no control judges",
    "guardrailConfig": NO_GUARDRAIL,
    "projectIdentifier": "whose account and which project is used is for the operator of this gateway to say",
    "promptVariables": _STORED,
    "messages.content.audio": _MEDIA,
    "messages.content.citationsContent": _CITED,
    "messages.content.document": _FILES,
    "messages.content.image.error": "an image that failed says nothing; leave it out",
    "messages.content.image.source.s3Location": _ALONE,
    "messages.content.reasoningContent.redactedContent": "nobody can read it, and what nobody read does not travel",
    "messages.content.searchResult": _FILES,
    "messages.content.toolAddition": _TOOLS,
    "messages.content.toolRemoval": _TOOLS,
    "messages.content.toolResult.content.document": _FILES,
    "messages.content.toolResult.content.image.error": "an image that failed says nothing; leave it out",
    "messages.content.toolResult.content.image.source.s3Location": _ALONE,
    "messages.content.toolResult.content.searchResult": _FILES,
    "messages.content.toolResult.content.video": _MEDIA,
    "messages.content.toolResult.type": _HOSTED,
    "messages.content.toolUse.type": _HOSTED,
    "messages.content.video": _MEDIA,
    "toolConfig.tools.systemTool": _HOSTED,
}
"""Field, or kind of block, to the reason for which it is refused. An absent or null value of a field is accepted."""

HARMLESS: dict[str, tuple[object, ...]] = {
    "additionalModelResponseFieldPaths": ([],),
    "promptVariables": ({},),
}
"""Values with which a refused field asks for nothing, and is accepted."""

UNREAD = Fields(REFUSED, HARMLESS, frozenset(each for each in _INERT if "." not in each))

FIELDS: dict[str, Handling] = {
    **dict.fromkeys(_JUDGED, Handling.JUDGED),
    **dict.fromkeys(_INERT, Handling.INERT),
    **dict.fromkeys(REFUSED, Handling.REFUSED),
}
"""Every field of Converse and ConverseStream that the door knows, as a path without array indices."""

INVOKE: dict[str, Handling] = {
    "modelId": Handling.JUDGED,
    "body": Handling.JUDGED,
    "Content-Type": Handling.JUDGED,
    "Accept": Handling.INERT,
    "X-Amzn-Bedrock-Accept": Handling.INERT,
    "X-Amzn-Bedrock-PerformanceConfig-Latency": Handling.INERT,
    "X-Amzn-Bedrock-Request-Metadata": Handling.INERT,
    "X-Amzn-Bedrock-Service-Tier": Handling.INERT,
    "X-Amzn-Bedrock-Trace": Handling.INERT,
    "X-Amzn-Bedrock-GuardrailIdentifier": Handling.REFUSED,
    "X-Amzn-Bedrock-GuardrailVersion": Handling.REFUSED,
    "X-Amzn-Bedrock-ProjectIdentifier": Handling.REFUSED,
}
"""What InvokeModel takes besides its body, by the name under which it comes; a trace of no guardrail is empty."""

REFUSED_HEADERS: dict[str, str] = {
    "x-amzn-bedrock-guardrailidentifier": NO_GUARDRAIL,
    "x-amzn-bedrock-guardrailversion": NO_GUARDRAIL,
    "x-amzn-bedrock-projectidentifier": REFUSED["projectIdentifier"],
}
"""Header to the reason for which it is refused, at every door of Bedrock."""
