"""Sets parameters of Rust notebooks with papermill: `papermill in.ipynb out.ipynb -p hidden 64`.

A parameter keeps its type from the notebook's parameters cell, because papermill has no `usize`.
"""
from papermill.engines import NBClientEngine
from papermill.translators import Translator, papermill_translators


class RustTranslator(Translator):
    @classmethod
    def translate_escaped_str(cls, str_val):
        text = str(str_val)
        for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
            text = text.replace(plain, escaped)
        return f'"{text}"'

    @classmethod
    def translate_none(cls, val):
        return "None"

    @classmethod
    def translate_float(cls, val):
        return repr(val) if val == val and abs(val) != float("inf") else cls.translate_non_finite(val)

    @staticmethod
    def translate_non_finite(val):
        return "f64::NAN" if val != val else ("f64::INFINITY" if val > 0 else "f64::NEG_INFINITY")

    @classmethod
    def translate_list(cls, val):
        return "[" + ", ".join(cls.translate(item) for item in val) + "]"

    @classmethod
    def comment(cls, cmt_str):
        return f"// {cmt_str}".strip()

    @classmethod
    def assign(cls, name, str_val):
        return f"let {name} = {{ let mut as_before = {name}; as_before = {str_val}; as_before }};"


papermill_translators.register("rust", RustTranslator)
papermill_translators.register("candlebook", RustTranslator)


class Engine(NBClientEngine):
    """Papermill's default engine. Its entry point makes papermill import this module."""
