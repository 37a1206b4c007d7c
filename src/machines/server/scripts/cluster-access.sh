# Lets every server see the addresses and pod networks of the others (they hold nothing secret); kubelets alone may not.
kubectl --kubeconfig /etc/kubernetes/admin.conf apply --server-side --field-manager=tandem -f - > /dev/null
