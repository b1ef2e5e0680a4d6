"""A loaded local model: llama.cpp, its worker thread, its host process."""
