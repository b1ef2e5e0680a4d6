"""A loaded local model: llama.cpp, its worker thread and the host process around it.

supervisor.HostEngine        the `Engine` port; a child process runs the worker
thread_engine.ThreadEngine   the `Engine` port; the worker runs in this process
host                         the child's side: frames in, events out
worker                       the one thread that touches llama.cpp
jobs                         what the worker is asked to do
scheduler, answer            answers that run together, one batch a step; one of them
slots, cells                 which conversation lies where in the cache, and what of it is used
loaded                       a loaded model
prompt, template*, deadline  from turns to tokens, by the file's own chat template
text*, reasoning, markers    from tokens to text that may be shown
benchmark, bench_*           how fast the loaded model is; host_load: what else went on meanwhile
machine_facts                what this machine is, and how it is set
dry_run, measuring           what a load would take; in a host of its own (errand)
quantise, quantising         making a model smaller, likewise; quantiser_log, result_file
limits, refusal              what is too much, and why a file was refused
native                       the only importer of llama_cpp
"""
