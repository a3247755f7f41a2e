"""The page itself, by Gradio: a place to drop a song on or to record one, its answer, and a run's report."""

import html
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mgc_keras.demo.answer_html import answer_html, problem_html
from mgc_keras.demo.listener import Limits, Listener, shown_name
from mgc_keras.errors import MgcKerasError

if TYPE_CHECKING:
    import gradio

logger = logging.getLogger("mgc_keras")

# The browser tells the name that the file has there; what the server calls it has lost letters.
_WITH_NAME = "(song, name) => [song, song ? (song.orig_name || '') : '']"
_FAULT = "this is a fault of the program", "the terminal in which it runs says more"


def build_page(listener: Listener, report: str | None) -> "gradio.Blocks":
    """Return the page.

    Parameters
    ----------
    listener : Listener
    report : str or None
        Name of the run whose report the second tab shows; it is served at `REPORT`. None: there is no such tab.
    """
    import gradio

    # Uploads are kept for an hour, so that they can be played.
    with gradio.Blocks(title="mgc_keras", analytics_enabled=False, delete_cache=(600, 3600)) as page:
        with gradio.Tabs():
            with gradio.Tab("A song"):
                gradio.HTML(_introduction(listener.limits), elem_classes="introduction")
                label = "Drop a song here, choose a file, or record"
                sources: Any = ["upload", "microphone"]
                # Not editable: what the browser cuts it would encode anew.
                song = gradio.Audio(sources=sources, type="filepath", label=label, editable=False, buttons=[])
                name = gradio.Textbox(visible=False)
                shown = gradio.HTML(elem_id="answer", min_height=40)
            if report is not None:
                with gradio.Tab("A run's report"):
                    gradio.HTML(_report(report))
        # One song at a time, whoever asks: networks take what cores there are.
        calls: dict[str, Any] = {"concurrency_limit": 1, "api_visibility": "private", "js": _WITH_NAME}
        gradio.on([song.upload, song.stop_recording], answerer(listener), [song, name], shown, **calls)
        song.clear(lambda: "", None, shown, api_visibility="private")
    page.queue(default_concurrency_limit=1, max_size=20)
    return page


# Where the run folder is served.
REPORT = "/run"


def answerer(listener: Listener) -> Callable[[str | None, str], str]:
    """Return what the page calls: it takes an uploaded file and its name, and gives the HTML of an answer."""

    def answer(path: str | None, name: str) -> str:
        if path is None:
            return ""
        try:
            return answer_html(listener.listen(Path(path), name))
        except MgcKerasError as error:
            return problem_html(shown_name(name), error.problem, error.cure)
        except Exception:
            logger.exception("a song has no answer")
            return problem_html(shown_name(name), *_FAULT)

    return answer


def _introduction(limits: Limits) -> str:
    return (
        "<h1>What genre is this song?</h1>"
        f"<p>Songs {limits.words()}. They stay on this computer, and are deleted when the program ends.</p>"
        '<p id="too-large" role="alert" hidden></p>'
    )


def refusal(limits: Limits) -> str:
    """Return the script that refuses too large a file before it is sent, in words that stay; the server does, too."""
    return """<script>
function refuse(event, files) {
  const note = document.getElementById("too-large");
  if (!note || !files) return;
  const large = [...files].find(file => file.size > LIMIT);
  note.hidden = !large;
  if (!large) return;
  note.textContent = `${large.name} has ${Math.ceil(large.size / 1e6)} MB: this page takes WORDS.`;
  event.preventDefault();
  event.stopImmediatePropagation();
}
document.addEventListener("change", event => refuse(event, event.target.files), true);
document.addEventListener("drop", event => refuse(event, event.dataTransfer && event.dataTransfer.files), true);
</script>""".replace("LIMIT", str(int(1e6 * limits.megabytes))).replace("WORDS", limits.words())


def _report(run: str) -> str:
    title = html.escape(f"Report of {run}")
    # Without allow-scripts and allow-same-origin: whoever made the run, its report cannot reach the page.
    return f'<iframe class="report" src="{REPORT}/report.html" title="{title}" sandbox=""></iframe>'
