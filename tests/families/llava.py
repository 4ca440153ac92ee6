"""LLaVA 1.5, LLaVA-NeXT and LLaVA-OneVision."""

from transformers import (
    CLIPVisionConfig,
    LlamaTokenizer,
    LlavaConfig,
    LlavaNextConfig,
    LlavaOnevisionConfig,
    SiglipVisionConfig,
)

from .repository import Repository
from .sizes import TOWER, text
from .tokens import byte_level, pieces

PINPOINTS = [[56, 112], [112, 56], [112, 112], [168, 56], [56, 168]]
VICUNA = ("<unk>", "<s>", "</s>")
CLIP = {
    "crop_size": {"height": 56, "width": 56},
    "do_center_crop": True,
    "do_convert_rgb": True,
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
    "resample": 3,
    "size": {"shortest_edge": 56},
}
IMAGES_FIRST = (
    "{% for c in m['content'] | selectattr('type', 'equalto', 'image') %}<image>{{ '\n' }}"
    "{% endfor %}{% for c in m['content'] | selectattr('type', 'equalto', 'text') %}"
    "{{ c['text'] }}{% endfor %}"
)
USER = (
    "{% for m in messages %}{{ m['role'] | upper + ': ' }}" + IMAGES_FIRST + "{{ ' ' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)
INST = (
    "{% for m in messages %}{% if m['role'] == 'user' %}{{ '[INST] ' }}"
    + IMAGES_FIRST
    + "{{ ' [/INST]' }}{% else %}{{ m['content'][0]['text'] }}{{ eos_token }}{% endif %}"
    "{% endfor %}"
)
IM_START = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + ' ' }}"
    + IMAGES_FIRST
    + "{{ '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def llava() -> Repository:
    """Over Vicuna: the tokenizer begins texts, the template does not."""
    tokens = pieces(LlamaTokenizer, VICUNA, pad="<pad>", extra=("<image>", "<pad>"))
    image = tokens.convert_tokens_to_ids("<image>")
    config = LlavaConfig(
        text_config=text(tokens, "llama"),
        vision_config=CLIPVisionConfig(**TOWER),
        image_token_index=image,
        image_seq_length=16,
        vision_feature_layer=-2,
        vision_feature_select_strategy="default",
    )
    named = {"image_processor_type": "CLIPImageProcessor", "processor_class": "LlavaProcessor"}
    return Repository(
        config=config,
        tokenizer=tokens,
        images=CLIP | named,
        processor={
            "image_token": "<image>",
            "num_additional_image_tokens": 1,
            "patch_size": 14,
            "processor_class": "LlavaProcessor",
            "vision_feature_select_strategy": "default",
        },
        template=USER,
        template_place="chat_template.json",
        shard="200KB",
    )


def llava_next() -> Repository:
    """Over Mistral 7B: tiles by the shape of the image, `[INST]` around the question."""
    tokens = pieces(LlamaTokenizer, VICUNA, pad="<pad>", extra=("<image>", "<pad>"))
    config = LlavaNextConfig(
        text_config=text(tokens, "mistral", sliding_window=None),
        vision_config=CLIPVisionConfig(**TOWER),
        image_token_index=tokens.convert_tokens_to_ids("<image>"),
        image_grid_pinpoints=PINPOINTS,
        vision_feature_layer=-2,
        vision_feature_select_strategy="default",
    )
    named = {
        "aspect_ratio_setting": "anyres",
        "image_grid_pinpoints": PINPOINTS,
        "image_processor_type": "LlavaNextImageProcessor",
        "processor_class": "LlavaNextProcessor",
    }
    return Repository(
        config=config,
        tokenizer=tokens,
        images=CLIP | named,
        processor={
            "image_token": "<image>",
            "num_additional_image_tokens": 1,
            "patch_size": 14,
            "processor_class": "LlavaNextProcessor",
            "vision_feature_select_strategy": "default",
        },
        template=INST,
        template_place="chat_template.json",
    )


def llava_onevision() -> Repository:
    """Over Qwen2, with a SigLIP tower; many tiles are pooled."""
    qwen = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<image>", "<video>")
    tokens = byte_level(qwen, eos="<|im_end|>", pad="<|endoftext|>")
    find = tokens.convert_tokens_to_ids
    tower = SiglipVisionConfig(**TOWER, vision_use_head=False)
    config = LlavaOnevisionConfig(
        text_config=text(tokens, "qwen2"),
        vision_config=tower,
        image_token_index=find("<image>"),
        video_token_index=find("<video>"),
        image_grid_pinpoints=PINPOINTS,
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
        vision_aspect_ratio="anyres_max_9",
    )
    images = {
        "do_convert_rgb": True,
        "do_normalize": True,
        "do_pad": True,
        "do_rescale": True,
        "do_resize": True,
        "image_grid_pinpoints": PINPOINTS,
        "image_mean": [0.5] * 3,
        "image_processor_type": "LlavaOnevisionImageProcessor",
        "image_std": [0.5] * 3,
        "processor_class": "LlavaOnevisionProcessor",
        "resample": 3,
        "size": {"height": 56, "width": 56},
    }
    videos = {
        "size": {"height": 56, "width": 56},
        "video_processor_type": "LlavaOnevisionVideoProcessor",
    }
    return Repository(
        config=config,
        tokenizer=tokens,
        images=images,
        processor={
            "image_token": "<image>",
            "num_image_tokens": 16,
            "processor_class": "LlavaOnevisionProcessor",
            "video_token": "<video>",
            "vision_feature_select_strategy": "full",
        },
        videos=videos,
        template=IM_START,
        template_place="chat_template.json",
    )
