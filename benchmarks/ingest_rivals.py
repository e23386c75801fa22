"""One rival's ingest, as its own quickstart does it; run by benchmarks/ingest.py in their environment.

    PYTHON ingest_rivals.py TOOL DOCUMENTS STORE MODEL CHUNKS_OUT

It knows nothing of Plumbline. What was encoded is written as JSON, one text for each vector.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

CHUNK_TOKENS, OVERLAP_TOKENS = 200, 40


def read(documents: Path) -> dict[str, str]:
    """Path -> text of every file."""
    return {str(path): path.read_text("utf-8") for path in sorted(documents.rglob("*.txt"))}


def bare(documents: Path, store: Path, model: str) -> list[str]:
    """sentence-transformers' own loop over given chunks: the yardstick."""
    from sentence_transformers import SentenceTransformer

    chunks: list[str] = json.loads(documents.read_text("utf-8"))
    SentenceTransformer(model, device="cpu").encode(chunks, show_progress_bar=False)
    return chunks


def langchain(documents: Path, store: Path, model: str) -> list[str]:
    """Text splitter by the model's tokens, HuggingFaceEmbeddings, FAISS, save_local."""
    from langchain_community.vectorstores import FAISS
    from langchain_core.documents import Document
    from langchain_huggingface import HuggingFaceEmbeddings
    from langchain_text_splitters import RecursiveCharacterTextSplitter
    from transformers import AutoTokenizer

    splitter = RecursiveCharacterTextSplitter.from_huggingface_tokenizer(
        AutoTokenizer.from_pretrained(model), chunk_size=CHUNK_TOKENS, chunk_overlap=OVERLAP_TOKENS
    )
    loaded = [
        Document(page_content=text, metadata={"source": path})
        for path, text in read(documents).items()
    ]
    chunks = splitter.split_documents(loaded)
    embeddings = HuggingFaceEmbeddings(model_name=model, model_kwargs={"device": "cpu"})
    FAISS.from_documents(chunks, embeddings).save_local(str(store))
    return [chunk.page_content for chunk in chunks]


def llamaindex(documents: Path, store: Path, model: str) -> list[str]:
    """SimpleDirectoryReader, SentenceSplitter, HuggingFaceEmbedding, VectorStoreIndex, persist."""
    from llama_index.core import SimpleDirectoryReader, VectorStoreIndex
    from llama_index.core.node_parser import SentenceSplitter
    from llama_index.core.schema import MetadataMode
    from llama_index.embeddings.huggingface import HuggingFaceEmbedding

    splitter = SentenceSplitter(chunk_size=CHUNK_TOKENS, chunk_overlap=OVERLAP_TOKENS)
    loaded = SimpleDirectoryReader(str(documents), recursive=True).load_data()
    nodes = splitter.get_nodes_from_documents(loaded)
    embed = HuggingFaceEmbedding(model_name=model, device="cpu", embed_batch_size=32)
    VectorStoreIndex(nodes, embed_model=embed).storage_context.persist(str(store))
    return [node.get_content(MetadataMode.EMBED) for node in nodes]


def txtai(documents: Path, store: Path, model: str) -> list[str]:
    """Embeddings with content, one row for each paragraph-sized file; it has no token splitter."""
    from txtai import Embeddings

    embeddings = Embeddings(path=model, content=True, backend="faiss", gpu=False)
    rows = list(read(documents).items())
    embeddings.index([(path, text, None) for path, text in rows])
    embeddings.save(str(store))
    return [text for _, text in rows]


TOOLS = {tool.__name__: tool for tool in (bare, langchain, llamaindex, txtai)}

if __name__ == "__main__":
    name, source, target, model_folder, out = sys.argv[1:6]
    made = TOOLS[name](Path(source), Path(target), model_folder)
    Path(out).write_text(json.dumps(made), "utf-8")
