"""The fine-tune that runs on the nodes, one process a node: `accelerate launch ... -m finetune --recipe FILE`.

It needs torch, transformers, peft, datasets and PyYAML, and nothing else of this repository: the folder is copied to
the nodes as it is. Accelerate only launches it. The program forms its own process group and wraps the model itself,
because on CPU accelerate's Accelerator runs a job that was asked to shard as plain data parallel, without a word.
"""
