rule embed:
    input:
        cells=raw,
    output:
        cells=f"{RESULTS}/{{sample}}/embedded.h5ad",
    params:
        method=config["embed"]["method"],
        key=config["embed"]["key"],
        raw=first_read,
        layer=layer,
        options=options("embed"),
        seed=config["seed"],
        device=config["device"],
    log:
        f"{RESULTS}/logs/{{sample}}/embed.log",
    conda:
        ENVIRONMENT
    threads: config["threads"]
    resources:
        mem_mb=megabytes(10),
        runtime=240,
    shell:
        "scgce embed --input {input.cells:q} --output {output.cells:q} --method {params.method:q} --key {params.key:q} "
        "{params.raw:q} {params.layer:q} {params.options:q} --threads {threads} --seed {params.seed} "
        "--device {params.device:q} 2> {log:q}"
