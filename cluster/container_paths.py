"""Where the training container sees the directories of its node, as the playbook's stack mounts them."""

WORKSPACE_IN_CONTAINER = "/workspace"
HF_CACHE_IN_CONTAINER = "/root/.cache/huggingface"
SHARED_MEMORY_IN_CONTAINER = "/dev/shm"  # noqa: S108 - the container's
