# How the project is built. Sourced by ./manage, ./demo and ./test, which set $root to the project's folder.

# build FOLDER TARGET [OPTION=VALUE...]: brings the target up to date, in a build that has these options; what else was
# chosen there before stays. Prints nothing when there is nothing to do.
build() {
    local folder=$1 target=$2
    shift 2
    mkdir -p "$folder"
    (
        flock 9  # two terminals may start ./manage at the same moment
        if ! is_configured "$folder" "$@"; then
            cmake -S "$root" -B "$folder" -G Ninja "${@/#/-D}" >"$folder/configure.log" 2>&1 ||
                { cat "$folder/configure.log" >&2; exit 1; }
        fi
        # Standard output belongs to the program that is started next.
        ninja -C "$folder" "$target" 2>&1 | { grep --line-buffered -vE "$quiet_lines" >&2 || true; }
    ) 9>"$folder/.lock"
}

is_configured() {
    local folder=$1 option
    [[ -f $folder/build.ninja ]] || return 1
    for option in "${@:2}"; do
        grep --quiet "^${option%%=*}:[A-Z]*=${option#*=}$" "$folder/CMakeCache.txt" || return 1
    done
}

# What ninja and cmake say when there is nothing to say.
quiet_lines='^ninja: (Entering directory|no work to do)|Re-checking globbed directories|Re-running CMake|^-- '
