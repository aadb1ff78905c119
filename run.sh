#!/usr/bin/env bash
# From nothing to a Transformer that translates: installs what is missing, builds qkv, makes the Korean-English data,
# trains, shows the scores on unseen sentences and what the attention looks at, and writes a page to look at it all. Quick the second time.
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

data=data/korean-english
data_options=(--pairs 30000 --seed 1)
run=runs/transformer
training_options=(--model transformer --seed 1)
sentence="저는 학교에서 책을 읽습니다." # what it shows how words look at each other

if [ $# -gt 0 ]; then
  echo "usage: ./run.sh    (no arguments; the settings are at its top)" >&2
  exit 2
fi

step=""
advice=""
trap 'printf "\nrun.sh stopped at step %s.\n%s\n" "$step" "$advice" >&2' ERR
begin() { # begin STEP ADVICE: the advice is given if the step fails
  step=$1
  advice=$2
  printf '\n== %s\n' "$step"
}
show() { # prints a command as one would type it, then runs it
  local words="" word
  for word in "$@"; do
    case $word in *" "*) word="\"$word\"" ;; esac
    words+=" $word"
  done
  printf '$%s\n' "$words"
  "$@"
}

begin "1/6 Installing what is missing" "Do what is said above, then run ./run.sh again."
scripts/install-deps.sh run

begin "2/6 Building qkv" "The first error above says why. After a change of the system, remove build/release and try again."
cmake --preset release -DQKV_TESTS=OFF
cmake --build --preset release --target qkv
PATH="$PWD/build/release:$PATH"

begin "3/6 Making the Korean-English data" "Free some space or remove the folder $data, then run ./run.sh again."
complete=yes
for part in train valid test long composition; do
  [ -f "$data/$part.csv" ] || complete=no
done
if [ "$complete" = yes ]; then
  echo "$data is there."
else
  show qkv data korean-english "${data_options[@]}" --out "$data"
fi

begin "4/6 Training a Transformer" "To start over, remove the folder $run and run ./run.sh again."
if [ -f "$run/test.json" ]; then
  echo "$run is trained already. To train anew: rm -r $run && ./run.sh"
elif [ -f "$run/last/checkpoint.safetensors" ]; then
  echo "An earlier training did not finish, so it goes on where it stopped."
  show qkv train --resume --out "$run"
elif [ -e "$run" ]; then
  echo "An earlier training did not get far, so it starts over."
  show qkv train --data "$data" --out "$run" "${training_options[@]}" --overwrite
else
  show qkv train --data "$data" --out "$run" "${training_options[@]}"
fi

begin "5/6 Looking at what it learnt" "The error above says why; the trained model in $run is whole."
printf 'Six sentences of different lengths that it has never seen:\n'
show qkv eval "$run" --data "$data/test.csv" --examples 6
printf 'Which source words its sharpest attention head looks at, for each word that it writes:\n'
show qkv translate "$run" "$sentence" --attention cross --head sharpest
begin "6/6 Making a page of it" "The error above says why; the trained model in $run is whole."
show qkv report "$run" --out "$run/report.html" --sentence "$sentence"
echo "Open $PWD/$run/report.html in a browser."
cat <<END

To go on:
  export PATH="\$PWD/build/release:\$PATH"                        so that the command is found
  qkv translate $run "$sentence"
  qkv eval $run --data $data/long.csv   sentences longer than those it was trained on
  qkv train --help                                              every option, with its default
  qkv gradcheck                                                 every derivative in qkv, checked
END
