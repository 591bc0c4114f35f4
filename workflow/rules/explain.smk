rule tgt:
    input:
        cells=cells,
    output:
        cells=f"{RESULTS}/{{sample}}/{{grouping}}/k-{{sparsity}}/explained.h5ad",
    params:
        use_rep=representation,
        raw=lambda wildcards: first_read(wildcards) if config["embed"]["method"] == "none" else [],
        layer=layer,
        sparsity=lambda wildcards: wildcards.sparsity.replace("-", ","),
        how=how(),
        options=options("tgt"),
        seed=config["seed"],
        device=config["device"],
    log:
        f"{RESULTS}/logs/{{sample}}/{{grouping}}/k-{{sparsity}}/tgt.log",
    conda:
        ENVIRONMENT
    threads: config["threads"]
    resources:
        mem_mb=megabytes(10),
        runtime=240,
    shell:
        "scgce tgt --input {input.cells:q} --output {output.cells:q} --groupby {wildcards.grouping:q} "
        "--use-rep {params.use_rep:q} {params.raw:q} {params.layer:q} --sparsity {params.sparsity:q} "
        "{params.how:q} {params.options:q} --threads {threads} "
        "--seed {params.seed} --device {params.device:q} 2> {log:q}"


rule evaluate:
    input:
        explained=rules.tgt.output.cells,
        held_out=held_out,
    output:
        cells=f"{RESULTS}/{{sample}}/{{grouping}}/k-{{sparsity}}/evaluated.h5ad",
    params:
        # On other cells if there are some, else on the cells that the explanation left out of its fit.
        cells=lambda wildcards, input: input.held_out[0] if input.held_out else input.explained,
        explanation=lambda wildcards, input: ["--explanation", input.explained] if input.held_out else [],
        options=options("evaluate"),
        seed=config["seed"],
        device=config["device"],
    log:
        f"{RESULTS}/logs/{{sample}}/{{grouping}}/k-{{sparsity}}/evaluate.log",
    conda:
        ENVIRONMENT
    threads: config["threads"]
    resources:
        mem_mb=megabytes(8),
        runtime=120,
    shell:
        "scgce evaluate --input {params.cells:q} --output {output.cells:q} {params.explanation:q} {params.options:q} "
        "--threads {threads} --seed {params.seed} --device {params.device:q} 2> {log:q}"
