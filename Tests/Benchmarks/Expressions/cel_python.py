# SPDX-License-Identifier: Apache-2.0
"""Times the implementations of CEL that this Python has on the expressions of standard input; JSON in and out.

Each is compiled once; an evaluation is given the alert as each library takes it, converted once where it allows that.
"""
import importlib.metadata
import json
import statistics
import sys
import time


def timed(evaluate):
    """Nanoseconds of processor time for one evaluation, the median of batches of about 20 ms."""
    count = 1
    while True:
        start = time.thread_time_ns()
        for _ in range(count):
            evaluate()
        taken = time.thread_time_ns() - start
        if taken > 20_000_000:
            break
        count *= 2
    batches = []
    for _ in range(15):
        start = time.thread_time_ns()
        for _ in range(count):
            evaluate()
        batches.append((time.thread_time_ns() - start) / count)
    return statistics.median(batches)


def cel_python(task):
    import celpy

    variables = {name: celpy.json_to_cel(value) for name, value in task["variables"].items()}
    environment = celpy.Environment()
    for source in task["expressions"]:
        program = environment.program(environment.compile(source))
        yield timed(lambda: program.evaluate(variables)), bool(program.evaluate(variables))


def common_expression_language(task):
    import cel

    context = cel.Context(task["variables"])
    for source in task["expressions"]:
        program = cel.compile(source)
        yield timed(lambda: program.execute(context)), program.execute(context)


def measured(name, run, task):
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return {"problem": f"not installed in {sys.executable}; pip install {name}"}
    results = list(run(task))
    return {"version": version, "nanoseconds": [t for t, _ in results], "values": [v for _, v in results]}


task = json.load(sys.stdin)
json.dump(
    {
        "cel-python": measured("cel-python", cel_python, task),
        "common-expression-language": measured("common-expression-language", common_expression_language, task),
    },
    sys.stdout,
)
