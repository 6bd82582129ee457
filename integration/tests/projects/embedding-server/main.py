import onnxruntime
import uvloop  # noqa: F401
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import PreTrainedTokenizerFast

tokenizer = Tokenizer(WordLevel({"works": 0, "?": 1}, unk_token="?"))
tokenizer.pre_tokenizer = Whitespace()
fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="?")
assert "CPUExecutionProvider" in onnxruntime.get_available_providers()
print(fast.decode(fast("works")["input_ids"]))
