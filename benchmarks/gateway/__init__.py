"""What Plumbline costs between a client and its model server.

    python -m benchmarks.gateway passthrough stream full concurrent windowed workers soak

engine      a model server that computes nothing: texts, delays and paces from a file
client      the load: one keep-alive connection that keeps when each piece came
processes   servers pinned to a core, their processor time and memory
targets     Plumbline, bare pass-throughs and other gateways, each started beside the others
cells       closed loops against each target, in turns
"""
