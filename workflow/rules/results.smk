TABLES = ["explanations", "metrics", "sweep", "markers", "panel"]
if config["tgt"]["programs"] != "none":
    TABLES += ["codebook"]
PLOTS = ["groups", "metrics", "sweep"]
if config["tgt"].get("options", {}).get("pairs", "all") != "all":
    TABLES += ["contrasts"]
    PLOTS += ["contrasts"]


rule tables:
    input:
        cells=rules.tgt.output.cells,
    output:
        expand(f"{RESULTS}/{{{{sample}}}}/{{{{grouping}}}}/k-{{{{sparsity}}}}/tables/{{table}}.tsv", table=TABLES),
    params:
        tables=",".join(TABLES),
        folder=lambda wildcards, output: os.path.dirname(output[0]),
    log:
        f"{RESULTS}/logs/{{sample}}/{{grouping}}/k-{{sparsity}}/tables.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=megabytes(5),
        runtime=30,
    shell:
        "scgce export --input {input.cells:q} --output {params.folder:q} --table {params.tables:q} 2> {log:q}"


rule evaluated_table:
    input:
        cells=rules.evaluate.output.cells,
    output:
        table=f"{RESULTS}/{{sample}}/{{grouping}}/k-{{sparsity}}/tables/evaluated.tsv",
    log:
        f"{RESULTS}/logs/{{sample}}/{{grouping}}/k-{{sparsity}}/evaluated_table.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=megabytes(5),
        runtime=30,
    shell:
        "scgce export --input {input.cells:q} --output - --table metrics --key tgt_evaluated > {output.table:q} 2> {log:q}"


rule plots:
    input:
        cells=rules.tgt.output.cells,
    output:
        **{
            kind: report(
                f"{RESULTS}/{{sample}}/{{grouping}}/k-{{sparsity}}/plots/{kind}.png",
                caption=f"../report/{kind}.rst",
                category="{sample}",
                subcategory="{grouping}",
                labels={"figure": "map" if kind == "groups" else kind, "genes per pair": "{sparsity}"},
            )
            for kind in PLOTS
        },
    params:
        kinds=",".join(PLOTS),
        folder=lambda wildcards, output: os.path.dirname(output.groups),
    log:
        f"{RESULTS}/logs/{{sample}}/{{grouping}}/k-{{sparsity}}/plots.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=megabytes(5),
        runtime=30,
    shell:
        "scgce plot --input {input.cells:q} --output {params.folder:q} --kind {params.kinds:q} 2> {log:q}"


rule page:
    input:
        cells=rules.tgt.output.cells,
    output:
        page=report(
            f"{RESULTS}/{{sample}}/{{grouping}}/k-{{sparsity}}/report.html",
            caption="../report/page.rst",
            category="{sample}",
            subcategory="{grouping}",
            labels={"figure": "page", "genes per pair": "{sparsity}"},
        ),
    params:
        title="{sample}: {grouping}",
        seed=config["seed"],
    log:
        f"{RESULTS}/logs/{{sample}}/{{grouping}}/k-{{sparsity}}/page.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=megabytes(5),
        runtime=30,
    shell:
        "scgce report --input {input.cells:q} --output {output.page:q} --title {params.title:q} --seed {params.seed} "
        "2> {log:q}"


rule summary:
    input:
        metrics=expand("{folder}/tables/metrics.tsv", folder=RUNS),
        evaluated=expand("{folder}/tables/evaluated.tsv", folder=RUNS),
    output:
        table=report(f"{RESULTS}/summary.tsv", caption="../report/summary.rst", category="Summary"),
    log:
        f"{RESULTS}/logs/summary.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=1000,
        runtime=10,
    script:
        "../scripts/summary.py"
