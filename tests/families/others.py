"""InternVL, Mistral 3 and Mllama (Llama 3.2 Vision)."""

from transformers import InternVLConfig, Mistral3Config, MllamaConfig

from .repository import Repository
from .sizes import TOWER, text
from .tokens import byte_level

INTERN_TURNS = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' }}"
    "{% if m['content'] is string %}{{ m['content'] }}{% else %}{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}{{ '<IMG_CONTEXT>\n' }}{% else %}{{ c['text'] }}{% endif %}"
    "{% endfor %}{% endif %}{{ '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
MISTRAL_TURNS = (
    "{{ bos_token }}[SYSTEM_PROMPT]You are a helpful assistant.[/SYSTEM_PROMPT]"
    "{%- for m in messages -%}[INST]{%- for c in m['content'] -%}"
    "{%- if c['type'] == 'image' -%}[IMG]{%- else -%}{{ c['text'] }}{%- endif -%}{%- endfor -%}"
    "[/INST]{%- endfor -%}"
)
LLAMA_TURNS = (
    "{{ bos_token }}{%- for m in messages -%}"
    "{{ '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' }}{%- for c in m['content'] -%}"
    "{%- if c['type'] == 'image' -%}{{ '<|image|>' }}{%- else -%}{{ c['text'] }}{%- endif -%}"
    "{%- endfor -%}{{ '<|eot_id|>' }}{%- endfor -%}{%- if add_generation_prompt -%}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{%- endif -%}"
)
NORMAL = {
    "do_convert_rgb": True,
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
    "resample": 3,
}


def internvl() -> Repository:
    """InternVL 3 in the form for transformers, over Qwen 2.5: tiles and an overview."""
    tokens = byte_level(
        ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<quad>", "<ref>", "<box>"),
        eos="<|im_end|>",
        pad="<|endoftext|>",
        start_image_token="<img>",
        end_image_token="</img>",
        context_image_token="<IMG_CONTEXT>",
        video_token="<video>",
    )
    config = InternVLConfig(
        text_config=text(tokens, "qwen2"),
        vision_config=TOWER | {"image_size": [56, 56], "patch_size": [14, 14]},
        image_token_id=tokens.context_image_token_id,
        image_seq_length=4,
    )
    images = NORMAL | {
        "crop_size": None,
        "crop_to_patches": False,
        "image_processor_type": "GotOcr2ImageProcessorFast",
        "max_patches": 4,
        "min_patches": 1,
        "processor_class": "InternVLProcessor",
        "size": {"height": 56, "width": 56},
    }
    return Repository(
        config=config,
        tokenizer=tokens,
        images=images,
        processor={"image_seq_length": 4, "processor_class": "InternVLProcessor"},
        videos={
            "size": {"height": 56, "width": 56},
            "video_processor_type": "InternVLVideoProcessor",
        },
        template=INTERN_TURNS,
        template_place="chat_template.jinja",
        shard="200KB",
    )


def mistral3() -> Repository:
    """Mistral Small 3.1: images keep their shape, a token ends each line of patches."""
    marks = ("<unk>", "<s>", "</s>", "[INST]", "[/INST]", "<pad>", "[SYSTEM_PROMPT]")
    marks = (*marks, "[/SYSTEM_PROMPT]", "[IMG]", "[IMG_BREAK]", "[IMG_END]")
    tokens = byte_level(marks, bos="<s>", eos="</s>", pad="<pad>", adds_bos=True)
    config = Mistral3Config(
        text_config=text(tokens, "mistral", sliding_window=None),
        vision_config=TOWER | {"model_type": "pixtral", "image_size": 112, "head_dim": 16},
        image_token_index=tokens.convert_tokens_to_ids("[IMG]"),
        spatial_merge_size=2,
        tie_word_embeddings=False,
    )
    images = NORMAL | {
        "image_processor_type": "PixtralImageProcessor",
        "patch_size": 14,
        "processor_class": "PixtralProcessor",
        "size": {"longest_edge": 112},
    }
    return Repository(
        config=config,
        tokenizer=tokens,
        images=images,
        processor={
            "image_break_token": "[IMG_BREAK]",
            "image_end_token": "[IMG_END]",
            "image_token": "[IMG]",
            "patch_size": 14,
            "processor_class": "PixtralProcessor",
            "spatial_merge_size": 2,
        },
        template=MISTRAL_TURNS,
        template_place="chat_template.json",
    )


def mllama() -> Repository:
    """Llama 3.2 Vision: layers that look at the image beside those that look at the text."""
    marks = (
        "<|begin_of_text|>",
        "<|end_of_text|>",
        "<|finetune_right_pad_id|>",
        "<|start_header_id|>",
        "<|end_header_id|>",
        "<|eom_id|>",
        "<|eot_id|>",
        "<|python_tag|>",
        "<|image|>",
    )
    tokens = byte_level(
        marks,
        bos="<|begin_of_text|>",
        eos="<|eot_id|>",
        pad="<|finetune_right_pad_id|>",
        adds_bos=True,
    )
    image = tokens.convert_tokens_to_ids("<|image|>")
    decoder = text(tokens, num_hidden_layers=3, cross_attention_layers=[1])
    tower = {
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_global_layers": 1,
        "attention_heads": 2,
        "image_size": 56,
        "patch_size": 14,
        "max_num_tiles": 4,
        "intermediate_layers_indices": [0, 1],
        "vision_output_dim": 96,
        "supported_aspect_ratios": [[1, 1], [1, 2], [1, 3], [1, 4], [2, 1], [2, 2], [3, 1], [4, 1]],
    }
    decoder["vocab_size"] = image  # the real head knows no image token either
    config = MllamaConfig(text_config=decoder, vision_config=tower, image_token_index=image)
    images = NORMAL | {
        "do_pad": True,
        "image_processor_type": "MllamaImageProcessor",
        "max_image_tiles": 4,
        "processor_class": "MllamaProcessor",
        "size": {"height": 56, "width": 56},
    }
    return Repository(
        config=config,
        tokenizer=tokens,
        images=images,
        template=LLAMA_TURNS,
        template_place="chat_template.json",
    )
